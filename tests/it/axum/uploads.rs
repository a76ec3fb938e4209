//! Bodies that are parsed or decompressed inside the layer: the signature covers the sent bytes.

use axum::body::Bytes;
use axum::extract::Multipart;
use axum::routing::post;
use tower_hmac::extract::Signed;

use super::*;

const FORM: &str = "--the-boundary\r\n\
    Content-Disposition: form-data; name=\"title\"\r\n\r\n\
    a title\r\n\
    --the-boundary\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
    Content-Type: text/plain\r\n\r\n\
    the file\r\n\
    --the-boundary--\r\n";

fn upload() -> Request<Bytes> {
    Request::post("/upload")
        .header("content-type", "multipart/form-data; boundary=the-boundary")
        .body(Bytes::from(FORM))
        .unwrap()
}

async fn fields(mut form: Multipart) -> String {
    let mut read = String::new();
    while let Some(field) = form.next_field().await.unwrap() {
        let name = field.name().unwrap_or_default().to_owned();
        read += &format!("{name}={};", field.text().await.unwrap());
    }
    read
}

#[tokio::test]
async fn a_signed_multipart_upload_reaches_the_handler_field_by_field() {
    let extracted = post(async |Signed(form, _): Signed<Multipart>| fields(form).await);
    let apps = [
        Router::new().route("/upload", post(fields)).layer(verify()),
        Router::new().route("/upload", extracted).with_state(verify().shared()),
    ];
    for app in apps {
        let response = send(&app, signed(upload())).await;
        assert_eq!(text(response).await, "title=a title;file=the file;");

        // The boundaries are covered like the fields.
        let changed = signed(upload()).map(|_| Body::from(FORM.replace("the file", "my file ")));
        assert_eq!(status(&app, changed).await, StatusCode::FORBIDDEN);
        assert_eq!(status(&app, upload().map(Body::from)).await, StatusCode::FORBIDDEN);
    }
}

#[cfg(feature = "gzip")]
mod zipped {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tower_http::decompression::RequestDecompressionLayer;
    use tower_http::limit::RequestBodyLimitLayer;

    use super::*;

    const MIB: usize = 1024 * 1024;
    const BOMB: usize = 8 * MIB;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    fn zipped(body: Bytes) -> Request<Bytes> {
        Request::post("/").header("content-encoding", "gzip").body(body).unwrap()
    }

    fn length() -> Router {
        Router::new().route("/", post(async |body: Bytes| body.len().to_string()))
    }

    /// Decompression belongs outside the layer only if the body was signed before it was
    /// compressed.
    #[tokio::test]
    async fn a_body_signed_before_it_is_compressed_is_verified_after_decompression() {
        let (head, _) = signed(zipped("plain".into())).into_parts();
        let request = || Request::from_parts(head.clone(), Body::from(gzip(b"plain")));
        let unzip = RequestDecompressionLayer::new;
        let outside = length().layer(verify()).layer(unzip());
        assert_eq!(text(send(&outside, request()).await).await, "5");
        let inside = length().layer(unzip()).layer(verify());
        assert_eq!(status(&inside, request()).await, StatusCode::FORBIDDEN);
    }

    /// 8 KiB over the wire, 8 MiB in memory: our limit applies to the sent bytes.
    #[tokio::test]
    async fn a_gzip_bomb_within_the_body_limit_is_stopped_by_the_limit_inside() {
        let bomb = gzip(&vec![0; BOMB]);
        assert!(bomb.len() < MIB / 4, "{} bytes", bomb.len());
        let request = || signed(zipped(bomb.clone()));
        let verify = || verify().with_body_limit(MIB);

        // axum's extractors stop at axum's limit.
        let extractor = length().layer(RequestDecompressionLayer::new()).layer(verify());
        assert_eq!(status(&extractor, request()).await, StatusCode::PAYLOAD_TOO_LARGE);

        // A handler that reads the body itself needs a limit between the two.
        let raw = || {
            let read = post(async |body: Body| match body.collect().await {
                Ok(body) => Ok(body.to_bytes().len().to_string()),
                Err(_) => Err(StatusCode::PAYLOAD_TOO_LARGE),
            });
            Router::new().route("/", read)
        };
        let unlimited = raw().layer(RequestDecompressionLayer::new()).layer(verify());
        assert_eq!(text(send(&unlimited, request()).await).await, BOMB.to_string());
        let limited = raw()
            .layer(RequestBodyLimitLayer::new(2 * MIB))
            .layer(RequestDecompressionLayer::new())
            .layer(verify());
        assert_eq!(status(&limited, request()).await, StatusCode::PAYLOAD_TOO_LARGE);
    }

    /// Outside, a bomb is decompressed before it is verified, and our limit stops it.
    #[tokio::test]
    async fn an_unsigned_gzip_bomb_is_stopped_by_our_limit() {
        let bomb = gzip(&vec![0; BOMB]);
        let (head, _) = signed(zipped("plain".into())).into_parts();
        let request = Request::from_parts(head, Body::from(bomb));
        let outside =
            length().layer(verify().with_body_limit(MIB)).layer(RequestDecompressionLayer::new());
        assert_eq!(status(&outside, request).await, StatusCode::PAYLOAD_TOO_LARGE);
    }
}

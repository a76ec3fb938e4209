//! Webhooks handled exactly once: the message is claimed in the handler's own transaction.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Router, body::Body};
use http::{Request, StatusCode};
use sqlx::AnyPool;
use tower::ServiceExt as _;
use tower_hmac::webhooks::{StandardWebhooks, message_id};
use tower_hmac::{BoxError, KeyMap, SecretKey, Signer, Verified, VerifyLayer};

const SECRET: &str = "whsec_ZXhhbXBsZXMgb2YgYSBkYXRhYmFzZSBzaWdu";

#[derive(Clone)]
struct Orders(Arc<AnyPool>);

impl Orders {
    async fn create(&self) -> Result<(), BoxError> {
        self.drop().await?;
        for table in [
            "CREATE TABLE tower_hmac_messages (id TEXT PRIMARY KEY)",
            "CREATE TABLE tower_hmac_orders (text TEXT NOT NULL)",
        ] {
            sqlx::query(table).execute(&*self.0).await?;
        }
        Ok(())
    }

    /// Stores an order, unless its message was handled before. Both rows are stored or neither is:
    /// if the handler fails or the node dies, a retry handles the message.
    async fn store(&self, message: &str, order: &str) -> Result<bool, BoxError> {
        let mut transaction = self.0.begin().await?;
        let claim = "INSERT INTO tower_hmac_messages (id) VALUES ($1) ON CONFLICT DO NOTHING";
        // A concurrent delivery waits here until the first one has ended.
        let claimed = sqlx::query(claim).bind(message).execute(&mut *transaction).await?;
        if claimed.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("INSERT INTO tower_hmac_orders (text) VALUES ($1)")
            .bind(order)
            .execute(&mut *transaction)
            .await?;
        if order.contains("out of stock") {
            // Dropping the transaction also removes the claim.
            return Err("the order cannot be taken yet".into());
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn count(&self) -> Result<i64, BoxError> {
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM tower_hmac_orders");
        Ok(query.fetch_one(&*self.0).await?)
    }

    async fn drop(&self) -> Result<(), BoxError> {
        for table in ["tower_hmac_messages", "tower_hmac_orders"] {
            sqlx::query(&format!("DROP TABLE IF EXISTS {table}")).execute(&*self.0).await?;
        }
        Ok(())
    }
}

async fn on_order(State(orders): State<Orders>, caller: Verified, body: String) -> StatusCode {
    let Some(id) = caller.message_id() else { return StatusCode::BAD_REQUEST };
    match orders.store(id, &body).await {
        // Answers a repeated message like the first one, so that the sender stops.
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Delivers messages, some of them again, and counts the orders.
pub async fn check(pool: AnyPool) -> Result<(), BoxError> {
    let orders = Orders(Arc::new(pool));
    orders.create().await?;
    let key = || SecretKey::from_whsec(SECRET);
    let app = Router::new()
        .route("/orders", post(on_order))
        .layer(VerifyLayer::new(StandardWebhooks::new(), KeyMap::single(key()?)?)?)
        .with_state(orders.clone());
    let signer = Signer::new(StandardWebhooks::new(), key()?);
    let deliver = async |message: &Request<String>| -> Result<StatusCode, BoxError> {
        let attempt = signer.sign(message.clone())?;
        Ok(app.clone().oneshot(attempt.map(Body::from)).await?.status())
    };
    let message = |text: &str| -> Result<Request<String>, BoxError> {
        let mut message = Request::post("/orders").body(text.to_owned())?;
        message_id(message.headers_mut());
        Ok(message)
    };

    let order = message("two chairs")?;
    for _ in 0..3 {
        assert_eq!(deliver(&order).await?, StatusCode::NO_CONTENT);
    }
    assert_eq!(orders.count().await?, 1);

    let early = message("a table, out of stock")?;
    assert_eq!(deliver(&early).await?, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(orders.count().await?, 1);
    // Send the same message, now that it can be accepted.
    let (head, _) = early.into_parts();
    let later = Request::from_parts(head, "a table".to_owned());
    for _ in 0..2 {
        assert_eq!(deliver(&later).await?, StatusCode::NO_CONTENT);
    }
    assert_eq!(orders.count().await?, 2);
    println!("two messages, six deliveries, {} orders", orders.count().await?);
    orders.drop().await
}

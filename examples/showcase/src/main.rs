//! A service with webhooks, an internal API, replaceable keys, logs and metrics. `README.md` walks
//! through it.

mod app;
mod keys;
mod rejection;
mod settings;
mod stores;
#[cfg(test)]
mod tests;

use tower_hmac::BoxError;
use tower_hmac::key::SharedKeys;

use crate::settings::Settings;
use crate::stores::Stores;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt::init();
    let settings = Settings::from_env()?;
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder()?;

    // A bad file is an error at the start: there are no old keys to keep.
    let keys = SharedKeys::new(keys::load(&settings.keys_file)?)?;
    tokio::spawn(keys::reload_on_hangup(settings.keys_file.clone(), keys.clone()));

    let stores = Stores::connect(settings.redis.as_deref()).await?;
    let app = app::router(&settings, keys, stores, metrics)?;
    let listener = tokio::net::TcpListener::bind(settings.listen).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    axum::serve(listener, app).with_graceful_shutdown(asked_to_stop()).await?;
    Ok(())
}

/// Ctrl-C, or the signal that `docker stop` and systemd send. Open requests are finished.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

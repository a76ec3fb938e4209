//! A subscriber at TRACE level that records everything.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as Values};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

#[derive(Clone, Default)]
pub struct Capture(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    events: Vec<Record>,
    spans: Vec<(String, String)>,
}

/// An event with its fields as text.
#[derive(Clone, Debug)]
pub struct Record {
    pub level: Level,
    pub fields: Vec<(String, String)>,
}

impl Record {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| &**value)
    }
}

impl Capture {
    /// Returns everything logged on this thread while `run` runs.
    pub fn during<T>(run: impl FnOnce() -> T) -> (Self, T) {
        let capture = Self::default();
        let subscriber = tracing_subscriber::registry().with(capture.clone());
        let result = tracing::subscriber::with_default(subscriber, run);
        (capture, result)
    }

    /// Returns the recorded events.
    pub fn events(&self) -> Vec<Record> {
        self.0.lock().unwrap().events.clone()
    }

    /// Returns the last value of a field of any span.
    pub fn span_field(&self, name: &str) -> Option<String> {
        let told = self.0.lock().unwrap();
        told.spans.iter().rev().find(|(field, _)| field == name).map(|(_, value)| value.clone())
    }

    /// Returns everything that was logged, as one text.
    pub fn text(&self) -> String {
        let told = self.0.lock().unwrap();
        format!("{:?}{:?}", told.events, told.spans)
    }
}

struct Fields<'a>(&'a mut Vec<(String, String)>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().into(), value.into()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.0.push((field.name().into(), value.to_string()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name().into(), format!("{value:?}")));
    }
}

impl<S: Subscriber> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attributes.record(&mut Fields(&mut self.0.lock().unwrap().spans));
    }

    fn on_record(&self, _: &Id, values: &Values<'_>, _: Context<'_, S>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap().spans));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Vec::new();
        event.record(&mut Fields(&mut fields));
        let level = *event.metadata().level();
        self.0.lock().unwrap().events.push(Record { level, fields });
    }
}

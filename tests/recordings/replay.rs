//! One session against one fresh server.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::kafka::Kafka;
use serde_json::{Value, json};
use server::ServerConfig;
use tokio::sync::oneshot;

use crate::compare::differences;
use crate::exchange::Exchange;
use crate::masks::{self, Masks, complete_lines, parse_body};
use crate::session::{Bounds, Session, Step};
use crate::topics;

/// Longest time an answer that ends by itself may take.
const PATIENCE: Bounds = Bounds { max_rows: None, max_s: Some(20.0) };

/// What came of a step.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) step: String,
    /// Empty when it agrees.
    pub(crate) differences: Vec<String>,
}

/// Replays a session.
pub(crate) async fn replay(session: &Session) -> Vec<Verdict> {
    let data = tempfile::tempdir().expect("a temporary directory");
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, listening) = oneshot::channel();
    let folder = data.path().display().to_string();
    let broker = match session.needs("kafka") {
        true => Some(tokio::task::spawn_blocking(Kafka::start).await.expect("a broker starts")),
        false => None,
    };
    let bootstrap = broker.as_ref().map(|broker| broker.bootstrap.clone());
    // The recorded server had no schema registry.
    let registry = ("millstream.schema.registry.enabled", "false");
    let mut settings = vec![("listeners", "http://127.0.0.1:0"), ("data.dir", &folder), registry];
    settings.extend(bootstrap.as_deref().map(|bootstrap| ("bootstrap.servers", bootstrap)));
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let config = ServerConfig::from_settings(settings).expect("the settings are fine");
    let mut tell = Some(tell);
    let server = tokio::spawn(server::run(
        config,
        move |address| {
            let _nobody_waits = tell.take().map(|tell| tell.send(address));
        },
        async move { drop(stopped.await) },
    ));
    let host = match listening.await {
        Ok(address) => address.to_string(),
        Err(_) => panic!("the server does not start: {:?}", server.await),
    };
    let mut player = Player { masks: Masks::new(&host, "default_"), host, bootstrap, open: BTreeMap::new() };
    let mut verdicts = Vec::new();
    for step in &session.steps {
        verdicts.push(Verdict { step: step.id.clone(), differences: player.judge(step).await });
    }
    player.open.values_mut().for_each(Exchange::stop);
    drop(stop);
    drop(tokio::time::timeout(Duration::from_secs(5), server).await);
    drop(broker);
    verdicts
}

struct Player {
    host: String,
    /// The session's broker, if it needs one.
    bootstrap: Option<String>,
    masks: Masks,
    open: BTreeMap<String, Exchange>,
}

impl Player {
    /// The differences of a step; a step that may wait is issued again until there are none.
    async fn judge(&mut self, step: &Step) -> Vec<String> {
        tokio::time::sleep(Duration::from_secs_f64(step.delay_s)).await;
        let patience = step.wait.map_or(0.0, |wait| wait.max_s.unwrap_or(20.0).min(10.0));
        let end = Instant::now() + Duration::from_secs_f64(patience);
        loop {
            let got = self.issue(step).await;
            let found = differences(&masks::own_words(&step.expect), &got);
            if found.is_empty() || Instant::now() >= end {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn issue(&mut self, step: &Step) -> Value {
        if let (Some(produce), Some(bootstrap)) = (&step.produce, &self.bootstrap) {
            return topics::produce(bootstrap, produce).await;
        }
        if let (Some(consume), Some(bootstrap)) = (step.consume.clone(), self.bootstrap.clone()) {
            let wanted = step.expect["records"].as_array().map_or(consume.records, Vec::len);
            let read = move || topics::consume(&bootstrap, &consume, wanted);
            let records = tokio::task::spawn_blocking(read).await.expect("records are read");
            return self.masks.value(&records, None);
        }
        if let Some(id) = &step.collect {
            let Some(mut exchange) = self.open.remove(id) else { return json!({"failure": "never started"}) };
            exchange.wait(step.stream.unwrap_or(PATIENCE), false).await;
            let open = exchange.is_open();
            if open && !step.keep_open {
                exchange.stop();
            }
            let result = self.result(step, &exchange, open);
            self.open.insert(id.clone(), exchange);
            return result;
        }
        let mut path = self.masks.fill(&step.path);
        let mut body = step.body.as_ref().map(|body| match body {
            Value::String(text) => self.masks.fill(text),
            other => self.masks.fill(&other.to_string()),
        });
        if let Some(request) = body.take_if(|_| step.method == "WS") {
            path = format!("{path}?request={}", quoted(&request));
        }
        let mut exchange = Exchange::send(&self.host, step, &path, body);
        exchange.wait(step.stream.unwrap_or(PATIENCE), step.start).await;
        if step.start {
            let (status, content_type, lines) = {
                let seen = exchange.seen.lock();
                let content_type = seen.head.as_ref().and_then(|(_, headers)| headers.get("content-type").cloned());
                (seen.head.as_ref().map(|(status, _)| *status), content_type, complete_lines(&seen.bytes))
            };
            let first: Vec<Value> = lines.as_array().into_iter().flatten().take(1).cloned().collect();
            self.open.insert(step.id.clone(), exchange);
            return json!({"status": status, "type": content_type, "body": self.masks.value(&first.into(), None)});
        }
        let open = exchange.is_open();
        exchange.stop();
        self.result(step, &exchange, open)
    }

    fn result(&mut self, step: &Step, exchange: &Exchange, open: bool) -> Value {
        let seen = exchange.seen.lock();
        let Some((status, headers)) = &seen.head else {
            return json!({"failure": seen.failure.clone().unwrap_or_else(|| "no answer in time".to_owned())});
        };
        let mut out = json!({"status": status, "type": headers.get("content-type")});
        if let Some(kept) = &step.keep_headers {
            let header = |name: &String| (name.clone(), Value::from(headers.get(name).cloned().unwrap_or_default()));
            out["headers"] = Value::Object(kept.iter().map(header).collect());
        }
        let lines = open || exchange.dropped || step.method == "WS";
        let mut body = if lines { complete_lines(&seen.bytes) } else { parse_body(&seen.bytes, step.raw) };
        if let (true, Value::Array(rows)) = (step.unordered, &mut body) {
            let header = usize::from(rows.first().is_some_and(|first| !first.is_array()));
            rows[header..].sort_by_cached_key(Value::to_string);
        }
        out["body"] = self.masks.value(&body, None);
        out
    }
}

/// Percent-encodes what may not stand in a query.
fn quoted(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

//! A server of its own for one REST case: HTTP in front, the in-memory log behind, real threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::clock::System;
use engine::config::Config;
use engine::engine::{Engine, Parts};

use engine::log::{Embedded, Log, Output, Partitioner, RecordsBuilder, TopicPartition, TopicSpec};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::case::{Case, Record};
use crate::qtt;
use crate::schemas;
use crate::subject::{SETTINGS, Stored, read_partition, topic_in};
use crate::udfs;

/// A running server.
pub(crate) struct Live {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    engine: Engine,
    log: Arc<dyn Log>,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
}

impl Live {
    /// Starts a fresh server.
    pub(crate) fn start() -> Result<Self, String> {
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        let scalable = [("ksql.query.push.v2.enabled", "true"), ("ksql.query.push.v2.registry.installed", "true")];
        let config = Config::new(SETTINGS.into_iter().chain(scalable)).map_err(|e| e.to_string())?;
        let parts = Parts::by_hand(Arc::clone(&log), Arc::new(System), config);
        let parts = Parts { functions: udfs::registry(), threads: 1, ..parts };
        let engine = Engine::new(parts).map_err(|e| e.to_string())?;
        schemas::check_nothing(&engine)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(|e| e.to_string())?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async move { drop(stopped.await) };
        runtime.spawn(server::serve(engine.clone(), address.to_string(), listener, until));
        Ok(Self { url: format!("http://{address}"), engine, log, runtime, stop })
    }

    /// Stops it.
    pub(crate) fn stop(self) {
        // It may have ended by itself.
        let _ = self.stop.send(());
        self.engine.shut_down();
        self.runtime.shutdown_background();
    }

    pub(crate) fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<(), String> {
        self.log.create_topic(name, spec).map_err(|e| e.to_string())
    }

    /// As `Subject::register`.
    pub(crate) fn register(
        &self,
        subject: &str,
        schema: &engine::schemas::Schema,
        id: Option<i32>,
    ) -> Result<(), String> {
        schemas::register(&self.engine, subject, schema, id)
    }

    /// Produces records at once, placed by their keys: a query does not see some topics long before the others.
    pub(crate) fn append(&self, records: &[&Record]) -> Result<(), String> {
        let outputs = records.iter().map(|record| self.output(record)).collect::<Result<Vec<_>, _>>()?;
        self.log.append(outputs).map(drop).map_err(|e| e.to_string())
    }

    fn output(&self, record: &Record) -> Result<Output, String> {
        let topic = self.log.topic(&record.topic).map_err(|e| e.to_string())?;
        let partitions = match topic {
            Some(topic) => topic.spec.partitions,
            None => {
                let spec = TopicSpec { partitions: 4, replicas: 1, config: std::collections::BTreeMap::new() };
                self.create_topic(&record.topic, &spec)?;
                4
            }
        };
        let written = qtt::encode(record, &topic_in(&self.engine, &record.topic))?;
        let partition = Partitioner::default().place(written.key.as_deref(), partitions);
        let mut records = RecordsBuilder::default();
        records.push(written.timestamp, written.key.as_deref(), written.value.as_deref());
        written.headers.iter().for_each(|(key, value)| records.header(key, value.as_deref()));
        let to = TopicPartition { topic: record.topic.as_str().into(), partition };
        Ok(Output { to, records: records.finish() })
    }

    /// Waits until every persistent query has read all there is.
    pub(crate) fn settle(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut calm = 0;
        while calm < 2 && Instant::now() < deadline {
            calm = if self.has_caught_up() { calm + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn has_caught_up(&self) -> bool {
        let catalog = self.engine.catalog();
        let service = self.engine.config().service_id().to_owned();
        catalog.queries().all(|query| {
            let group = format!("_confluent-ksql-{service}query_{}", query.id);
            let positions = self.log.positions(&group).unwrap_or_default();
            !positions.is_empty()
                && positions.iter().all(|p| self.log.bounds(&p.of).is_ok_and(|bounds| p.offset >= bounds.end))
        })
    }

    /// Compares the topics among the outputs, partition after partition by timestamp.
    pub(crate) fn compare_outputs(&self, case: &Case) -> Result<(), String> {
        self.settle();
        qtt::compare_topics(case, false, &|name| {
            let partitions = self.log.topic(name).map_err(|e| e.to_string())?.map_or(0, |topic| topic.spec.partitions);
            let mut all: Vec<Stored> = Vec::new();
            for partition in 0..partitions {
                all.extend(read_partition(&*self.log, name, partition)?);
            }
            Ok((topic_in(&self.engine, name), all))
        })
    }
}

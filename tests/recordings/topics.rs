//! Steps that go to the broker and not to the server: records written and read.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Header as KafkaHeader, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::session::{Bytes, Consume, Header, Produce, Record};

/// How long the broker may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to look for records beyond the wanted ones.
const MORE: Duration = Duration::from_millis(500);

fn client(bootstrap: &str) -> ClientConfig {
    [("bootstrap.servers", bootstrap), ("group.id", "recordings")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Writes the records to their partitions, in their order.
pub(crate) async fn produce(bootstrap: &str, step: &Produce) -> Value {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create().expect("an admin client");
    let topic = NewTopic::new(&step.topic, step.partitions.unwrap_or(1), TopicReplication::Fixed(1));
    let made = admin.create_topics(&[topic.set("retention.ms", "-1")], &AdminOptions::new()).await;
    // One that is there already is as good.
    made.unwrap_or_else(|error| panic!("{}: {error}", step.topic));
    let producer: BaseProducer = client(bootstrap).create().expect("a producer");
    for record in &step.records {
        let (key, value) = (record.key.as_ref().map(raw), record.value.as_ref().map(raw));
        let mut headers = OwnedHeaders::new();
        for header in &record.headers {
            let value = header.value.as_ref().map(raw);
            headers = headers.insert(KafkaHeader { key: &header.key, value: value.as_ref() });
        }
        let mut message: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&step.topic).partition(record.partition).timestamp(record.timestamp).headers(headers);
        message.key = key.as_deref();
        message.payload = value.as_deref();
        producer.send(message).unwrap_or_else(|(error, _)| panic!("{}: {error}", step.topic));
    }
    producer.flush(PATIENCE).unwrap_or_else(|error| panic!("{}: {error}", step.topic));
    json!({"produced": step.records.len()})
}

/// Reads from the beginning of all partitions, until there are as many records as `wanted` and for a moment longer.
pub(crate) fn consume(bootstrap: &str, step: &Consume, wanted: usize) -> Value {
    let consumer: BaseConsumer = client(bootstrap).create().expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(&step.topic), PATIENCE);
    let metadata = metadata.unwrap_or_else(|error| panic!("{}: {error}", step.topic));
    let mut places = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        places.add_partition_offset(&step.topic, partition.id(), Offset::Beginning).expect("a place");
    }
    consumer.assign(&places).expect("places are assigned");
    let (mut records, end) = (Vec::new(), Instant::now() + PATIENCE);
    while records.len() < step.records {
        let patience = if records.len() < wanted { end.saturating_duration_since(Instant::now()) } else { MORE };
        match consumer.poll(patience) {
            // The recorder left tombstones out: to it they had no length, and so were nothing.
            Some(Ok(message)) if message.payload().is_none() => {}
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(error)) => return json!({"failure": format!("{}: {error}", step.topic)}),
            None => break,
        }
    }
    records.sort_by_key(|record| record.partition);
    json!({"records": records})
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Record {
        partition: message.partition(),
        key: message.key().map(shown),
        value: message.payload().map(shown),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
        headers: headers.map(|h| Header { key: h.key.to_owned(), value: h.value.map(shown) }).collect(),
    }
}

fn raw(bytes: &Bytes) -> Vec<u8> {
    match bytes {
        Bytes::Text(text) => text.as_bytes().to_vec(),
        Bytes::Base64(text) => STANDARD.decode(text).expect("base64"),
    }
}

fn shown(bytes: &[u8]) -> Bytes {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) => Bytes::Text(text.to_owned()),
        _ => Bytes::Base64(STANDARD.encode(bytes)),
    }
}

//! PRINT: the records of a topic as text, whatever their format.

use std::borrow::Cow;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arrow::array::{Array, BinaryArray};
use chrono::{DateTime, Utc};
use sql::Statement;

use crate::config::Config;
use crate::formats::sniff::Sniffer;
use crate::log::{Log, Position, RawBatch, Reader, Signal, TopicPartition};
use crate::rows::{End, ReaderGone, RowBatch, RowReceiver, RowSender, channel};
use crate::schemas::Schemas;

use super::Failure;

/// How long it sleeps when nothing comes.
const POLL: Duration = Duration::from_millis(100);
/// Bytes taken from the topic at once.
const MAX_POLL_BYTES: usize = 1 << 20;

/// A PRINT as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// Topic, in the case it was written in.
    pub topic: String,
    /// From the first record on, else only new ones.
    pub from_beginning: bool,
    /// Every how many records one is shown, at least 1.
    pub interval: u64,
    /// After how many shown records it ends.
    pub limit: Option<u64>,
}

impl Print {
    /// The PRINT a statement is.
    pub fn of(statement: &Statement, config: &Config) -> Option<Self> {
        let Statement::Print { topic, from_beginning, interval, limit } = statement else { return None };
        Some(Self {
            topic: topic.name.clone(),
            from_beginning: *from_beginning || config.reads_from_earliest(),
            interval: interval.unwrap_or(1).max(1),
            limit: *limit,
        })
    }
}

/// Starts printing; each row is a line. With `announce` lines about the guessed formats come first and whenever the
/// guess changes.
pub(crate) fn print(
    log: &Arc<dyn Log>,
    schemas: &Arc<dyn Schemas>,
    print: Print,
    announce: bool,
) -> Result<RowReceiver, Failure> {
    let topic = log.topic(&print.topic)?;
    let topic = topic.ok_or_else(|| Failure::request(format!("Topic does not exist: {}", print.topic)))?;
    let name: Arc<str> = topic.name.as_str().into();
    let mut from = Vec::new();
    for partition in 0..topic.spec.partitions {
        let of = TopicPartition { topic: name.clone(), partition };
        let bounds = log.bounds(&of)?;
        from.push(Position { of, offset: if print.from_beginning { bounds.begin } else { bounds.end } });
    }
    let wake = Arc::new(Signal::default());
    let reader = log.reader(from, wake.clone())?;
    let to_wake = wake.clone();
    let (sender, receiver) = channel(move || to_wake.raise());
    let printer = Printer::new(print, schemas, announce, sender);
    thread::Builder::new()
        .name("print".to_owned())
        .spawn(move || printer.run(reader, &wake))
        .map_err(|problem| Failure::internal("PRINT could not be started", &problem))?;
    Ok(receiver)
}

struct Printer {
    print: Print,
    announce: bool,
    sender: RowSender,
    keys: Sniffer,
    values: Sniffer,
    announced: Option<(String, String)>,
    seen: u64,
    shown: u64,
}

impl Printer {
    fn new(print: Print, schemas: &Arc<dyn Schemas>, announce: bool, sender: RowSender) -> Self {
        Self {
            print,
            announce,
            sender,
            keys: Sniffer::keys(Arc::clone(schemas)),
            values: Sniffer::values(Arc::clone(schemas)),
            announced: None,
            seen: 0,
            shown: 0,
        }
    }

    fn run(mut self, mut reader: Box<dyn Reader>, wake: &Signal) {
        let end = loop {
            let raised = wake.count();
            let batches = match reader.poll(MAX_POLL_BYTES) {
                Ok(batches) => batches,
                Err(problem) => break End::Failed(problem.told()),
            };
            if self.print.limit.is_some_and(|limit| self.shown >= limit) {
                break End::LimitReached;
            }
            if self.sender.is_closed() {
                break End::Closed;
            }
            if batches.is_empty() {
                wake.wait(raised, POLL);
            }
            // The guess takes in everything that is there before anything is shown.
            batches.iter().for_each(|(_, batch)| self.sniff(batch));
            for (partition, batch) in batches {
                if self.lines(partition, &batch).is_err() {
                    return;
                }
            }
        };
        self.sender.end(end);
    }

    fn sniff(&mut self, batch: &RawBatch) {
        for row in 0..batch.offsets.len() {
            // A registry may be asked for each record.
            if self.sender.is_closed() {
                return;
            }
            self.keys.show(payload(&batch.records.keys, row));
            self.values.show(payload(&batch.records.values, row));
        }
    }

    /// Sends the lines of a batch, as many as are still wanted.
    fn lines(&mut self, partition: usize, batch: &RawBatch) -> Result<(), ReaderGone> {
        let mut lines = RowBatch::default();
        for row in 0..batch.offsets.len() {
            if self.print.limit.is_some_and(|limit| self.shown >= limit) || self.sender.is_closed() {
                break;
            }
            self.seen += 1;
            if (self.seen - 1).is_multiple_of(self.print.interval) {
                self.shown += 1;
                self.line(partition, batch, row, &mut lines);
            }
        }
        if lines.ends.is_empty() { Ok(()) } else { self.sender.send(lines) }
    }

    fn line(&mut self, partition: usize, batch: &RawBatch, row: usize, lines: &mut RowBatch) {
        let records = &batch.records;
        let key = self.keys.show(payload(&records.keys, row));
        let value = self.values.show(payload(&records.values, row));
        if self.announce {
            let formats = (self.keys.formats(), self.values.formats());
            if self.announced.as_ref() != Some(&formats) {
                push(lines, &format!("Key format: {}", formats.0));
                push(lines, &format!("Value format: {}", formats.1));
                self.announced = Some(formats);
            }
        }
        let time = records.timestamps.get(row).copied().unwrap_or_default();
        let time = DateTime::<Utc>::from_timestamp_millis(time).unwrap_or_default().format("%Y/%m/%d %H:%M:%S%.3f Z");
        let (key, value) = (on_one_line(&key), on_one_line(&value));
        push(lines, &format!("rowtime: {time}, key: {key}, value: {value}, partition: {partition}"));
    }
}

/// A record is one line, whatever it holds: no record can pass for several, or for words of the server.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r']) { text.replace('\n', "\\n").replace('\r', "\\r").into() } else { text.into() }
}

fn payload(payloads: &BinaryArray, row: usize) -> Option<&[u8]> {
    (!payloads.is_null(row)).then(|| payloads.value(row))
}

fn push(lines: &mut RowBatch, line: &str) {
    lines.data.extend_from_slice(line.as_bytes());
    lines.ends.push(lines.data.len());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::log::{Embedded, Output, Records, TopicSpec};
    use crate::rows::Event;
    use crate::schemas::NoSchemas;

    const VALUES: [Option<&[u8]>; 3] = [Some(b"{\"V\":1}"), Some(b"{}"), None];

    fn lines(print_as: Print, announce: bool, values: [Option<&[u8]>; 3]) -> Vec<String> {
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        log.create_topic("t", &TopicSpec { partitions: 1, replicas: 1, config: BTreeMap::new() }).unwrap();
        let records = Records {
            timestamps: vec![0, 1, 2].into(),
            keys: BinaryArray::from_opt_vec(vec![Some(b"ab"), None, Some(b"c")]),
            values: BinaryArray::from_opt_vec(values.to_vec()),
            headers: None,
        };
        log.append(vec![Output { to: TopicPartition { topic: "t".into(), partition: 0 }, records }]).unwrap();
        let mut rows = print(&log, &(Arc::new(NoSchemas) as Arc<dyn Schemas>), print_as, announce).unwrap();
        let mut lines = Vec::new();
        loop {
            match rows.try_next() {
                Some(Event::Rows(batch)) => {
                    lines.extend(batch.iter().map(|(line, _)| String::from_utf8_lossy(line).into_owned()));
                }
                Some(Event::End(_)) => return lines,
                None => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    #[test]
    fn prints_every_second_record_and_announces_formats() {
        let print = Print { topic: "t".into(), from_beginning: true, interval: 2, limit: Some(2) };
        assert_eq!(
            lines(print, true, VALUES),
            [
                "Key format: KAFKA_STRING",
                "Value format: JSON or KAFKA_STRING",
                "rowtime: 1970/01/01 00:00:00.000 Z, key: ab, value: {\"V\":1}, partition: 0",
                "rowtime: 1970/01/01 00:00:00.002 Z, key: c, value: <null>, partition: 0",
            ]
        );
    }

    #[test]
    fn a_record_is_one_line() {
        let print = Print { topic: "t".into(), from_beginning: true, interval: 1, limit: Some(3) };
        let spoofed: &[u8] = b"one\n{\"errorMessage\":{\"message\":\"x\"}}";
        let shown = lines(print, false, [Some(spoofed), Some(b"{\r\n}"), Some(b"two\\n")]);
        let values: Vec<&str> = shown.iter().filter_map(|line| line.split_once("value: ")).map(|(_, v)| v).collect();
        let expected = [
            "one\\n{\"errorMessage\":{\"message\":\"x\"}}, partition: 0",
            "{\\r\\n}, partition: 0",
            "two\\n, partition: 0",
        ];
        assert_eq!(values, expected);
    }
}

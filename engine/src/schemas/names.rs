//! Which subject the schemas of a topic stand in.

use super::topic_subject;

/// How a subject is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SubjectName {
    /// `TOPIC-key`, `TOPIC-value`.
    #[default]
    Topic,
    /// The full name of the record or message.
    Record,
    /// `TOPIC-` and that name.
    TopicRecord,
}

impl SubjectName {
    /// The strategy of that class of Confluent's, with or without its package.
    pub fn of_class(class: &str) -> Option<Self> {
        let class = class.trim().rsplit('.').next().unwrap_or_default();
        let known = [
            ("TopicNameStrategy", Self::Topic),
            ("RecordNameStrategy", Self::Record),
            ("TopicRecordNameStrategy", Self::TopicRecord),
        ];
        known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(class)).map(|(_, strategy)| strategy)
    }
}

/// How the subjects of keys and of values are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SubjectNames {
    /// Of keys.
    pub key: SubjectName,
    /// Of values.
    pub value: SubjectName,
}

impl SubjectNames {
    /// The subject of the keys or values of a topic. What has no name stands in the topic's.
    pub fn subject(&self, topic: &str, is_key: bool, full_name: Option<&str>) -> String {
        match (if is_key { self.key } else { self.value }, full_name) {
            (SubjectName::Record, Some(name)) => name.to_owned(),
            (SubjectName::TopicRecord, Some(name)) => format!("{topic}-{name}"),
            _ => topic_subject(topic, is_key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_are_confluents() {
        let class = "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy";
        let names = SubjectNames { key: SubjectName::Record, value: SubjectName::of_class(class).unwrap() };
        assert_eq!(names.subject("t", true, Some("a.B")), "a.B");
        assert_eq!(names.subject("t", false, Some("a.B")), "t-a.B");
        assert_eq!(names.subject("t", true, None), "t-key");
        assert_eq!(SubjectNames::default().subject("t", false, Some("a.B")), "t-value");
        assert_eq!(SubjectName::of_class("Other"), None);
    }
}

//! Content negotiation as ksqlDB does it: entries by weight, then by how specific they are; no `Accept` is not `*/*`.

use axum::http::{HeaderMap, header::ACCEPT};
use engine::rows::RowFormat;

/// Content types this server writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// One JSON document per line.
    Delimited,
    /// Plain JSON.
    Json,
    /// StreamedRow arrays.
    KsqlJson,
    /// StreamedRow arrays whose rows are Protobuf messages.
    Protobuf,
}

impl Media {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Delimited => "application/vnd.ksqlapi.delimited.v1",
            Self::Json => "application/json",
            Self::KsqlJson => "application/vnd.ksql.v1+json",
            Self::Protobuf => "application/vnd.ksql.v1+protobuf",
        }
    }

    /// How the engine is to write rows for it.
    pub(crate) fn rows(self) -> RowFormat {
        if self == Self::Protobuf { RowFormat::Protobuf } else { RowFormat::Json }
    }
}

/// What a client asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// It did not say.
    Unsaid,
    /// The best match.
    Is(Media),
    /// Nothing the route has.
    Nothing,
}

/// Chooses among what a route produces, given in the route's order.
pub(crate) fn choose(headers: &HeaderMap, produces: &[Media]) -> Chosen {
    let mut entries = Vec::new();
    for value in headers.get_all(ACCEPT) {
        let Ok(value) = value.to_str() else { continue };
        entries.extend(value.split(',').filter_map(entry));
    }
    if entries.is_empty() {
        return Chosen::Unsaid;
    }
    entries.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(b.specific.cmp(&a.specific)));
    let best = entries.iter().find_map(|entry| produces.iter().find(|media| entry.matches(media.name())));
    best.map_or(Chosen::Nothing, |media| Chosen::Is(*media))
}

struct Entry<'a> {
    kind: &'a str,
    subtype: &'a str,
    weight: f32,
    specific: u8,
}

impl Entry<'_> {
    fn matches(&self, name: &str) -> bool {
        let (kind, subtype) = name.split_once('/').unwrap_or((name, ""));
        (self.kind == "*" || self.kind.eq_ignore_ascii_case(kind))
            && (self.subtype == "*" || self.subtype.eq_ignore_ascii_case(subtype))
    }
}

fn entry(text: &str) -> Option<Entry<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse().ok()).unwrap_or(1.0);
    let specific = u8::from(kind != "*") + u8::from(subtype != "*");
    Some(Entry { kind, subtype, weight, specific })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY_STREAM: [Media; 3] = [Media::Delimited, Media::Json, Media::KsqlJson];

    fn chosen(accept: &str) -> Chosen {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        choose(&headers, &QUERY_STREAM)
    }

    #[test]
    fn picks_by_weight_then_by_specificity() {
        assert_eq!(choose(&HeaderMap::new(), &QUERY_STREAM), Chosen::Unsaid);
        assert_eq!(chosen("*/*"), Chosen::Is(Media::Delimited));
        assert_eq!(chosen("application/json, text/plain, */*"), Chosen::Is(Media::Json));
        assert_eq!(chosen("text/html, */*;q=0.1"), Chosen::Is(Media::Delimited));
        assert_eq!(chosen("application/json;q=0.5, application/vnd.ksql.v1+json"), Chosen::Is(Media::KsqlJson));
        assert_eq!(chosen("application/json; charset=utf-8"), Chosen::Is(Media::Json));
        assert_eq!(chosen("text/html"), Chosen::Nothing);
    }
}

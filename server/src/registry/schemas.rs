//! `/schemas`: schemas by their ids.

use engine::registry::{SchemaRegistry, Which, size};
use serde_json::{Value, json};

use super::answer::{self, Found, Refusal, Reply};
use super::call::Call;
use super::{bounds, page};

fn id(text: &str) -> Result<i32, Refusal> {
    text.parse().map_err(|_| Refusal::path())
}

/// Versions in an answer, as in Confluent's unless it is told otherwise, and bytes of them with what they refer to.
const MAX_LISTED: usize = 1_000;
const MAX_BYTES: usize = 64 << 20;

pub(super) fn list(registry: &SchemaRegistry, call: &Call) -> Reply {
    let (offset, limit) = bounds(call);
    let found = registry.all(
        call.prefix(),
        call.which(),
        call.is_on("latestOnly"),
        offset..offset.saturating_add(limit.min(MAX_LISTED)),
    )?;
    if found.iter().map(|version| size(&version.schema.text, &version.schema.references)).sum::<usize>() > MAX_BYTES {
        let message = format!("These schemas have more than {} MiB; ask for fewer by 'limit'", MAX_BYTES >> 20);
        return Err(Refusal::new(42205, message));
    }
    Ok(found.iter().map(answer::version).collect::<Value>().into())
}

pub(super) fn by_id(registry: &SchemaRegistry, text: &str, call: &Call) -> Reply {
    let schema = registry.schema(id(text)?)?;
    let mut members = answer::schema(&schema);
    members.insert("schema".to_owned(), json!(answer::text(&schema, call)?));
    Ok(Value::Object(members).into())
}

pub(super) fn text(registry: &SchemaRegistry, text: &str, call: &Call) -> Reply {
    Ok(Found::Text(answer::text(&*registry.schema(id(text)?)?, call)?))
}

fn which(call: &Call) -> Which {
    if call.is_on("deleted") { Which::All } else { Which::Live }
}

pub(super) fn subjects(registry: &SchemaRegistry, text: &str, call: &Call) -> Reply {
    let places = registry.places(id(text)?, which(call))?;
    let mut subjects: Vec<String> = places.into_iter().map(|(subject, _)| subject).collect();
    subjects.dedup();
    Ok(json!(page(subjects, call)).into())
}

pub(super) fn versions(registry: &SchemaRegistry, text: &str, call: &Call) -> Reply {
    let places = page(registry.places(id(text)?, which(call))?, call);
    let place = |(subject, version)| json!({ "subject": subject, "version": version });
    Ok(places.into_iter().map(place).collect::<Value>().into())
}

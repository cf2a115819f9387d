//! `/config` and `/mode`: what goes with what, and what may be done.

use axum::http::Method;
use engine::registry::{Level, Mode, Problem, Rules, SchemaRegistry};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Reply};
use super::call::Call;
use super::subjects::is_nothing;

#[derive(Debug, Deserialize)]
struct SentRules {
    #[serde(default)]
    compatibility: Option<String>,
    #[serde(default)]
    normalize: Option<bool>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct SentMode {
    mode: String,
}

fn shown(rules: Rules, level: &str) -> Value {
    let mut members = Map::new();
    if let Some(value) = rules.level {
        members.insert(level.to_owned(), json!(value.name()));
    }
    if let Some(normalize) = rules.normalize {
        members.insert("normalize".to_owned(), json!(normalize));
    }
    Value::Object(members)
}

pub(super) fn config(registry: &SchemaRegistry, subject: Option<&str>, call: &Call) -> Reply {
    match call.method {
        Method::GET => Ok(shown(registry.rules(subject, call.is_on("defaultToGlobal"))?, "compatibilityLevel").into()),
        Method::DELETE => Ok(shown(registry.delete_rules(subject)?, "compatibilityLevel").into()),
        Method::PUT => {
            let sent: SentRules = call.body()?;
            if let Some((name, _)) = sent.others.iter().find(|(_, value)| !is_nothing(value)) {
                return Err(Refusal::new(42205, format!("'{name}' is not supported")));
            }
            let level =
                sent.compatibility.as_deref().map(|name| Level::of_name(name).ok_or(Problem::InvalidCompatibility));
            let rules = Rules { level: level.transpose()?, normalize: sent.normalize };
            if rules == Rules::default() {
                return Err(Problem::InvalidCompatibility.into());
            }
            registry.set_rules(subject, rules)?;
            Ok(shown(rules, "compatibility").into())
        }
        _ => Err(Refusal::method()),
    }
}

pub(super) fn mode(registry: &SchemaRegistry, subject: Option<&str>, call: &Call) -> Reply {
    let mode = match call.method {
        Method::GET => registry.mode(subject, call.is_on("defaultToGlobal"))?,
        Method::DELETE => registry.delete_mode(subject)?,
        Method::PUT => {
            let sent: SentMode = call.body()?;
            let mode = Mode::of_name(&sent.mode).ok_or(Problem::InvalidMode)?;
            registry.set_mode(subject, mode, call.is_on("force"))?;
            mode
        }
        _ => return Err(Refusal::method()),
    };
    Ok(json!({ "mode": mode.name() }).into())
}

//! `/compatibility`: whether a schema could be registered.

use engine::registry::{SchemaRegistry, VersionNumber};
use serde_json::json;

use super::answer::Reply;
use super::call::Call;
use super::subjects::sent;

pub(super) fn check(registry: &SchemaRegistry, subject: &str, version: Option<&str>, call: &Call) -> Reply {
    let version = version.map(VersionNumber::read).transpose()?;
    let messages = registry.incompatibilities(subject, version, &sent(call)?)?;
    let is_compatible = messages.is_empty();
    Ok(if call.is_on("verbose") {
        json!({ "is_compatible": is_compatible, "messages": messages }).into()
    } else {
        json!({ "is_compatible": is_compatible }).into()
    })
}

//! DEFINE and UNDEFINE. Names keep their case and are found in any.

use super::{Outcome, Session};

/// `DEFINE name = 'value'`
pub(crate) fn define(session: &mut Session, name: &str, value: &str) -> Outcome {
    session.variables.define(name, value);
    Outcome::Nothing
}

/// `UNDEFINE name`
pub(crate) fn undefine(session: &mut Session, name: &str) -> Outcome {
    if session.variables.undefine(name) {
        return Outcome::Nothing;
    }
    Outcome::NothingToDo { message: format!("Cannot undefine variable '{name}' which was never defined") }
}

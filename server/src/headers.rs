//! Headers that every answer has (`response.http.headers.config`): a list of `set NAME: VALUE` and `add NAME: VALUE`, each
//! in double quotes if there is a comma in it.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use engine::config::{Config, setting};

/// The headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(Action, HeaderName, HeaderValue)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// It takes the place of others of its name.
    Set,
    /// It stands beside them.
    Add,
}

impl Headers {
    /// As the settings say.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn of(config: &Config) -> Result<Self, String> {
        let elements = elements(config.get(setting::RESPONSE_HTTP_HEADERS_CONFIG));
        elements.into_iter().map(header).collect::<Result<_, _>>().map(Self)
    }

    /// Gives them to an answer.
    pub(crate) fn add_to(&self, answer: &mut Response) {
        for (action, name, value) in &self.0 {
            match action {
                Action::Set => drop(answer.headers_mut().insert(name, value.clone())),
                Action::Add => drop(answer.headers_mut().append(name, value.clone())),
            }
        }
    }
}

/// The parts between commas that do not stand in quotes.
fn elements(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let ends = |c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    };
    text.split(ends)
        .map(|element| element.trim().trim_matches('"').trim())
        .filter(|element| !element.is_empty())
        .collect()
}

fn header(element: &str) -> Result<(Action, HeaderName, HeaderValue), String> {
    let wrong = |expected: &str| {
        format!("{}: '{element}': {expected} is expected", setting::RESPONSE_HTTP_HEADERS_CONFIG.name())
    };
    let (action, rest) = element.split_once(char::is_whitespace).ok_or_else(|| wrong("set NAME: VALUE"))?;
    let action = match action.to_ascii_lowercase().as_str() {
        "set" => Action::Set,
        "add" => Action::Add,
        _ => return Err(wrong("set or add at the beginning (setDate and addDate are not supported)")),
    };
    let (name, value) = rest.split_once(':').ok_or_else(|| wrong("NAME: VALUE"))?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong("the name of a header"))?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| wrong("the value of a header"))?;
    Ok((action, name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Headers, String> {
        Headers::of(&Config::new([("response.http.headers.config", text)]).unwrap())
    }

    #[test]
    fn headers_are_set_or_added() {
        let headers = of("set X-Frame-Options: DENY, \"add Cache-Control: no-cache, no-store\",add Server: x").unwrap();
        let mut answer = Response::default();
        answer.headers_mut().insert("x-frame-options", HeaderValue::from_static("ALLOW"));
        answer.headers_mut().insert("server", HeaderValue::from_static("y"));
        headers.add_to(&mut answer);
        let all = |name: &str| answer.headers().get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(all("x-frame-options"), ["DENY"]);
        assert_eq!(all("cache-control"), ["no-cache, no-store"]);
        assert_eq!(all("server"), ["y", "x"]);
        assert_eq!(of(""), Ok(Headers::default()));
    }

    #[test]
    fn a_header_that_is_none_is_named() {
        for text in ["X-Frame-Options: DENY", "set X-Frame-Options", "setDate Expires: 1", "set a b: c", "set"] {
            assert!(of(text).unwrap_err().starts_with("response.http.headers.config: '"), "{text}");
        }
    }
}

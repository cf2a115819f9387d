//! Headers that every answer has (`response.http.headers.config`): a list of `set NAME: VALUE`, `add NAME: VALUE` and, for
//! times, `setDate NAME: MILLISECONDS` and `addDate NAME: MILLISECONDS` from the answer on; each in double quotes if there is
//! a comma in it.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use engine::config::{Config, setting};

/// The headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(Action, HeaderName, Content)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(HeaderValue),
    /// The time of the answer and so much more.
    Time(TimeDelta),
}

impl Content {
    /// In an answer that is given then.
    fn at(&self, now: DateTime<Utc>) -> Option<HeaderValue> {
        match self {
            Self::Text(value) => Some(value.clone()),
            Self::Time(later) => {
                let time = now.checked_add_signed(*later).filter(|time| (0..=9999).contains(&time.year()))?;
                HeaderValue::from_str(&time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
            }
        }
    }
}

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
        if self.0.is_empty() {
            return;
        }
        let now = Utc::now();
        for (action, name, content) in &self.0 {
            let Some(value) = content.at(now) else { continue };
            match action {
                Action::Set => drop(answer.headers_mut().insert(name, value)),
                Action::Add => drop(answer.headers_mut().append(name, value)),
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

fn header(element: &str) -> Result<(Action, HeaderName, Content), String> {
    let wrong = |expected: &str| {
        format!("{}: '{element}': {expected} is expected", setting::RESPONSE_HTTP_HEADERS_CONFIG.name())
    };
    let (action, rest) = element.split_once(char::is_whitespace).ok_or_else(|| wrong("set NAME: VALUE"))?;
    let (action, is_time) = match action.to_ascii_lowercase().as_str() {
        "set" => (Action::Set, false),
        "add" => (Action::Add, false),
        "setdate" => (Action::Set, true),
        "adddate" => (Action::Add, true),
        _ => return Err(wrong("set, add, setDate or addDate at the beginning")),
    };
    let (name, value) = rest.split_once(':').ok_or_else(|| wrong("NAME: VALUE"))?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong("the name of a header"))?;
    let content = if is_time {
        let later = value.trim().parse().ok().and_then(TimeDelta::try_milliseconds).map(Content::Time);
        later.filter(|time| time.at(Utc::now()).is_some()).ok_or_else(|| wrong("milliseconds from the answer on"))?
    } else {
        Content::Text(HeaderValue::from_str(value.trim()).map_err(|_| wrong("the value of a header"))?)
    };
    Ok((action, name, content))
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
    fn times_count_from_the_answer_on() {
        let headers = of("setDate Expires: 31536000000, addDate x-began: -1000").unwrap();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let shown: Vec<_> =
            headers.0.iter().map(|(_, name, content)| (name.as_str(), content.at(now).unwrap())).collect();
        assert_eq!(shown[0], ("expires", HeaderValue::from_static("Wed, 13 Nov 2024 22:13:20 GMT")));
        assert_eq!(shown[1], ("x-began", HeaderValue::from_static("Tue, 14 Nov 2023 22:13:19 GMT")));
        let mut answer = Response::default();
        headers.add_to(&mut answer);
        assert!(answer.headers().contains_key("expires"));
        for far in ["9223372036854775807", "-9223372036854775808", "99999999999999999"] {
            assert!(of(&format!("setDate Expires: {far}")).unwrap_err().contains("milliseconds"), "{far}");
        }
    }

    #[test]
    fn a_header_that_is_none_is_named() {
        for text in ["X-Frame-Options: DENY", "set X-Frame-Options", "setDate Expires: soon", "set a b: c", "set"] {
            assert!(of(text).unwrap_err().starts_with("response.http.headers.config: '"), "{text}");
        }
    }
}

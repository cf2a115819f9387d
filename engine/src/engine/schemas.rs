//! Who keeps the schemas: a registry elsewhere, if the settings name one.

use crate::config::setting::{self, TextSetting};
use crate::config::{Config, ConfigError};
use crate::keystore::Passwords;
use crate::schemas::client::{Client, ClientSettings, Part, Source, Store};
use crate::schemas::{SubjectName, SubjectNames};

/// How subjects are named.
pub(super) fn subject_names(config: &Config) -> SubjectNames {
    let name = |setting| SubjectName::of_class(config.get(setting)).unwrap_or_default();
    SubjectNames {
        key: name(setting::SCHEMA_REGISTRY_KEY_SUBJECTS),
        value: name(setting::SCHEMA_REGISTRY_VALUE_SUBJECTS),
    }
}

/// The client of the registry that the settings name.
pub(super) fn elsewhere(config: &Config) -> Result<Option<Client>, ConfigError> {
    let urls: Vec<String> = config.list(setting::SCHEMA_REGISTRY_URL).map(str::to_owned).collect();
    if urls.is_empty() {
        return Ok(None);
    }
    let text = |setting: TextSetting| Some(config.get(setting).trim()).filter(|text| !text.is_empty());
    // Blanks around a password are part of it.
    let password = |setting: TextSetting| Some(config.get(setting).to_owned()).filter(|password| !password.is_empty());
    let key_password = password(setting::SCHEMA_REGISTRY_KEY_PASSWORD);
    let pem = |text: String| Store {
        source: Source::Text(text),
        passwords: Passwords { store: None, key: key_password.clone() },
    };
    let file = |location, of_store| {
        let passwords = Passwords { store: password(of_store), key: key_password.clone() };
        text(location).map(|path| Store { source: Source::File(path.to_owned()), passwords })
    };
    let chain = text(setting::SCHEMA_REGISTRY_KEYSTORE_CERTIFICATE_CHAIN);
    let key = text(setting::SCHEMA_REGISTRY_KEYSTORE_KEY);
    if chain.is_some() != key.is_some() {
        let (given, other) = match chain {
            Some(_) => (setting::SCHEMA_REGISTRY_KEYSTORE_CERTIFICATE_CHAIN, setting::SCHEMA_REGISTRY_KEYSTORE_KEY),
            None => (setting::SCHEMA_REGISTRY_KEYSTORE_KEY, setting::SCHEMA_REGISTRY_KEYSTORE_CERTIFICATE_CHAIN),
        };
        return Err(wrong(given, config, format!("{} must be given, too", other.name())));
    }
    let own = chain.zip(key).map(|(chain, key)| pem(format!("{chain}\n{key}")));
    let trusted = text(setting::SCHEMA_REGISTRY_TRUSTSTORE_CERTIFICATES).map(|text| pem(text.to_owned()));
    let settings = ClientSettings {
        urls,
        user: user(config)?,
        trusted: trusted.or_else(|| {
            file(setting::SCHEMA_REGISTRY_TRUSTSTORE_LOCATION, setting::SCHEMA_REGISTRY_TRUSTSTORE_PASSWORD)
        }),
        own: own
            .or_else(|| file(setting::SCHEMA_REGISTRY_KEYSTORE_LOCATION, setting::SCHEMA_REGISTRY_KEYSTORE_PASSWORD)),
    };
    let is_given = |setting: TextSetting| text(setting).is_some();
    let client = Client::new(&settings, subject_names(config)).map_err(|(part, problem)| {
        let of = match part {
            Part::Urls => setting::SCHEMA_REGISTRY_URL,
            Part::Trusted if is_given(setting::SCHEMA_REGISTRY_TRUSTSTORE_CERTIFICATES) => {
                setting::SCHEMA_REGISTRY_TRUSTSTORE_CERTIFICATES
            }
            Part::Trusted => setting::SCHEMA_REGISTRY_TRUSTSTORE_LOCATION,
            Part::Own if is_given(setting::SCHEMA_REGISTRY_KEYSTORE_KEY) => setting::SCHEMA_REGISTRY_KEYSTORE_KEY,
            Part::Own => setting::SCHEMA_REGISTRY_KEYSTORE_LOCATION,
        };
        wrong(of, config, problem)
    });
    client.map(Some)
}

/// User and password that stand in a setting of their own.
fn user(config: &Config) -> Result<Option<(String, String)>, ConfigError> {
    if !config.get(setting::SCHEMA_REGISTRY_CREDENTIALS_SOURCE).trim().eq_ignore_ascii_case("USER_INFO") {
        if !config.get(setting::SCHEMA_REGISTRY_USER_INFO).trim().is_empty() {
            let (info, source) = (setting::SCHEMA_REGISTRY_USER_INFO, setting::SCHEMA_REGISTRY_CREDENTIALS_SOURCE);
            tracing::warn!("{} has no effect without {}=USER_INFO", info.name(), source.name());
        }
        return Ok(None);
    }
    let info = setting::SCHEMA_REGISTRY_USER_INFO;
    let (user, password) = config
        .get(info)
        .trim()
        .split_once(':')
        .ok_or_else(|| wrong(info, config, format!("USER:PASSWORD is expected in {}", info.name())))?;
    Ok(Some((user.to_owned(), password.to_owned())))
}

fn wrong(setting: TextSetting, config: &Config, problem: String) -> ConfigError {
    let value = config.shown(setting.name()).unwrap_or_default();
    ConfigError::Value { name: setting.name().to_owned(), value, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_certificate_is_refused_by_the_name_of_the_other_half() {
        let url = (setting::SCHEMA_REGISTRY_URL.name(), "https://localhost:1");
        for (given, other) in [
            (setting::SCHEMA_REGISTRY_KEYSTORE_CERTIFICATE_CHAIN, setting::SCHEMA_REGISTRY_KEYSTORE_KEY),
            (setting::SCHEMA_REGISTRY_KEYSTORE_KEY, setting::SCHEMA_REGISTRY_KEYSTORE_CERTIFICATE_CHAIN),
        ] {
            let told = elsewhere(&Config::new([url, (given.name(), "x")]).unwrap()).unwrap_err().to_string();
            assert!(told.contains(&format!("{} must be given, too", other.name())), "{told}");
        }
    }
}

//! What a property is, and the types of the values of those that are read.

use std::marker::PhantomData;

/// One property.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// Its full name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its value when nobody sets it.
    pub default: Option<&'static str>,
    /// Who may set it.
    pub access: Access,
    /// One sentence.
    pub about: &'static str,
}

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// A whole number from the first to the last.
    Integer(i64, i64),
    /// A number.
    Double,
    /// Anything.
    Text,
    /// Regular expressions, separated by commas.
    Patterns,
    /// Anything, and never shown.
    Password,
    /// One of these, in any case.
    Choice(&'static [&'static str]),
}

/// Who may set a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever starts the server.
    Server,
    /// A request too.
    Session,
}

/// What a property does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// What its documentation says.
    Full,
    /// Nothing, because …
    None(&'static str),
    /// Some of its values are refused, because … (and what to do); the others ask for what there is anyway.
    Refused(Promise, &'static str),
}

/// Which values of a property ask for what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// All but none.
    Any,
    /// This one.
    If(&'static str),
    /// All others.
    Unless(&'static str),
}

impl Promise {
    /// Whether that value does.
    pub fn is_made_by(self, value: &str) -> bool {
        let value = value.trim();
        match self {
            _ if value.is_empty() => false,
            Self::Any => true,
            Self::If(promising) => value.eq_ignore_ascii_case(promising),
            Self::Unless(harmless) => !value.eq_ignore_ascii_case(harmless),
        }
    }
}

/// A property that is read somewhere, with the type of its value.
#[derive(Debug, Clone, Copy)]
pub struct Setting<T> {
    pub(super) property: Property,
    value: PhantomData<T>,
}

impl<T> Setting<T> {
    const fn new(
        name: &'static str,
        kind: Kind,
        default: Option<&'static str>,
        access: Access,
        about: &'static str,
    ) -> Self {
        Self { property: Property { name, kind, default, access, about }, value: PhantomData }
    }

    /// The property's full name.
    pub const fn name(&self) -> &'static str {
        self.property.name
    }

    /// Without a default.
    pub(super) const fn or_unset(self) -> Setting<Maybe<T>> {
        let property = Property { default: None, ..self.property };
        Setting { property, value: PhantomData }
    }
}

/// How a value is read from its text, which has been checked; `None` where the property is not set and has no default.
pub trait Value {
    /// What the reader gets.
    type Of<'a>;

    /// Reads it.
    fn of(text: Option<&str>) -> Self::Of<'_>;
}

/// A switch.
#[derive(Debug, Clone, Copy)]
pub struct Flag;

impl Value for Flag {
    type Of<'a> = bool;

    fn of(text: Option<&str>) -> bool {
        text.is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
    }
}

/// A whole number.
#[derive(Debug, Clone, Copy)]
pub struct Whole;

impl Value for Whole {
    type Of<'a> = i64;

    fn of(text: Option<&str>) -> i64 {
        text.and_then(|text| text.trim().parse().ok()).unwrap_or_default()
    }
}

/// A number.
#[derive(Debug, Clone, Copy)]
pub struct Number;

impl Value for Number {
    type Of<'a> = f64;

    fn of(text: Option<&str>) -> f64 {
        text.and_then(|text| text.trim().parse().ok()).unwrap_or_default()
    }
}

/// Any text.
#[derive(Debug, Clone, Copy)]
pub struct Text;

impl Value for Text {
    type Of<'a> = &'a str;

    fn of(text: Option<&str>) -> &str {
        text.unwrap_or_default()
    }
}

/// What has no default.
#[derive(Debug, Clone, Copy)]
pub struct Maybe<T>(PhantomData<T>);

impl<T: Value> Value for Maybe<T> {
    type Of<'a> = Option<T::Of<'a>>;

    fn of(text: Option<&str>) -> Option<T::Of<'_>> {
        text.map(|text| T::of(Some(text)))
    }
}

pub(super) const fn flag(
    name: &'static str,
    default: &'static str,
    access: Access,
    about: &'static str,
) -> Setting<Flag> {
    Setting::new(name, Kind::Boolean, Some(default), access, about)
}

pub(super) const fn whole(
    name: &'static str,
    default: &'static str,
    access: Access,
    about: &'static str,
) -> Setting<Whole> {
    Setting::new(name, Kind::Integer(i64::MIN, i64::MAX), Some(default), access, about)
}

pub(super) const fn number(
    name: &'static str,
    default: &'static str,
    access: Access,
    about: &'static str,
) -> Setting<Number> {
    Setting::new(name, Kind::Double, Some(default), access, about)
}

pub(super) const fn text(
    name: &'static str,
    default: &'static str,
    access: Access,
    about: &'static str,
) -> Setting<Text> {
    Setting::new(name, Kind::Text, Some(default), access, about)
}

impl Setting<Whole> {
    /// Values outside of this are refused.
    pub(super) const fn within(self, least: i64, most: i64) -> Self {
        let property = Property { kind: Kind::Integer(least, most), ..self.property };
        Self { property, ..self }
    }
}

impl Setting<Text> {
    /// A list of regular expressions.
    pub(super) const fn patterns(self) -> Self {
        let property = Property { kind: Kind::Patterns, ..self.property };
        Self { property, ..self }
    }

    /// It is never shown.
    pub(super) const fn password(self) -> Self {
        let property = Property { kind: Kind::Password, ..self.property };
        Self { property, ..self }
    }

    /// Other values are refused.
    pub(super) const fn one_of(self, choices: &'static [&'static str]) -> Self {
        let property = Property { kind: Kind::Choice(choices), ..self.property };
        Self { property, ..self }
    }
}

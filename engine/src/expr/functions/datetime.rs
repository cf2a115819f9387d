//! Dates, times, timestamps.

use std::cell::RefCell;

use chrono::Utc;

use super::row::{Row, any_null, int, optional_text, string, text};
use super::{Category, Context, Function, Variation};
use crate::expr::java_time::{Pattern, Zone};
use crate::types::Value;

const DAY: i64 = 86_400_000;
const PATTERN_DOC: &str = "The format pattern should be in the format expected by java.time.format.DateTimeFormatter.";
const ZONE_DOC: &str = " timeZone is a java.util.TimeZone ID format, for example: \"UTC\", \"America/Los_Angeles\", \
                        \"PST\", \"Europe/London\"";
const SIMPLE_DOC: &str = "The format pattern should be in the format expected by java.text.SimpleDateFormat.";

/// A function that moves a date or time by an interval.
macro_rules! shift {
    ($name:literal, $spelled:literal, $signature:literal, $sign:literal, $says:literal, $each:literal, $docs:expr,
     $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::DateTime,
            &[Variation::row($signature, |args, _| shift(args, $sign)).says($each, $docs)],
        )
        .spelled($spelled)
        .says($says)
        .example($example, $result)
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    shift!(
        "DATEADD",
        "dateadd",
        "(INTERVAL UNIT unit, INT interval, DATE date) DATE",
        1,
        "Adds a duration to a DATE value.",
        "Adds a duration to a date",
        &["A unit of time, for example DAY", "An integer number of intervals to add", "A DATE value."],
        "DATEADD(DAYS, 5, '2020-02-27')",
        "2020-03-03"
    ),
    shift!(
        "DATESUB",
        "datesub",
        "(INTERVAL UNIT unit, INT interval, DATE date) DATE",
        -1,
        "Takes a duration from a DATE.",
        "",
        &[],
        "DATESUB(DAYS, 1, '2020-03-01')",
        "2020-02-29"
    ),
    shift!(
        "TIMEADD",
        "timeadd",
        "(INTERVAL UNIT unit, INT interval, TIME time) TIME",
        1,
        "Adds a duration to a TIME; midnight wraps.",
        "",
        &[],
        "TIMEADD(HOURS, 2, '23:00')",
        "01:00"
    ),
    shift!(
        "TIMESUB",
        "timesub",
        "(INTERVAL UNIT unit, INT interval, TIME time) TIME",
        -1,
        "Takes a duration from a TIME; midnight wraps.",
        "",
        &[],
        "TIMESUB(HOURS, 2, '01:00')",
        "23:00"
    ),
    shift!(
        "TIMESTAMPADD",
        "timestampadd",
        "(INTERVAL UNIT unit, INT interval, TIMESTAMP timestamp) TIMESTAMP",
        1,
        "Adds a duration to a TIMESTAMP value.",
        "Adds a duration to a timestamp",
        &["A unit of time, for example DAY or HOUR", "An integer number of intervals to add", "A TIMESTAMP value."],
        "TIMESTAMPADD(MINUTES, 90, '2020-01-01T00:00:00')",
        "2020-01-01T01:30:00.000"
    ),
    shift!(
        "TIMESTAMPSUB",
        "timestampsub",
        "(INTERVAL UNIT unit, INT interval, TIMESTAMP timestamp) TIMESTAMP",
        -1,
        "Takes a duration from a TIMESTAMP.",
        "",
        &[],
        "TIMESTAMPSUB(SECONDS, 1, '2020-01-01T00:00:00')",
        "2019-12-31T23:59:59.000"
    ),
    Function::scalar(
        "CONVERT_TZ",
        Category::DateTime,
        &[Variation::row("(TIMESTAMP timestamp, VARCHAR fromTimeZone, VARCHAR toTimeZone) TIMESTAMP", |args, _| {
            let (from, to) = (Zone::new(text(args, 1)?)?, Zone::new(text(args, 2)?)?);
            let millis = instant(args)?;
            Ok(Value::Timestamp(millis + i64::from(to.offset_at(millis) - from.offset_at(millis)) * 1000))
        })
        .says(
            "Converts a TIMESTAMP value from one timezone to another",
            &[
                "The TIMESTAMP value.",
                "The fromTimeZone in java.util.TimeZone ID format. For example: \"UTC\", \"America/Los_Angeles\", \
                 \"PST\", \"Europe/London\"",
                "The toTimeZone in java.util.TimeZone ID format. For example: \"UTC\", \"America/Los_Angeles\", \
                 \"PST\", \"Europe/London\"",
            ],
        )],
    )
    .spelled("convert_tz")
    .says("Converts a TIMESTAMP value from one timezone to another.")
    .example("CONVERT_TZ('1970-01-01T00:00:00', '+0200', '+0500')", "1970-01-01T03:00:00.000"),
    Function::scalar(
        "FORMAT_DATE",
        Category::DateTime,
        &[Variation::row("(DATE date, VARCHAR formatPattern) VARCHAR", |args, _| {
            let Some(Value::Date(days)) = args.first() else { return Ok(Value::Null) };
            with_pattern(text(args, 1)?, |pattern| pattern.format_date(*days)).map(Value::String)
        })
        .says(
            "Converts the number of days since 1970-01-01 00:00:00 UTC/GMT to a date string using the given format \
             pattern. The format pattern should be in the format expected by java.time.format.DateTimeFormatter",
            &["The date to convert", PATTERN_DOC],
        )],
    )
    .spelled("format_date")
    .says(
        "Converts a DATE value to a string using the given format pattern. The format pattern should be in the format \
         expected by java.time.format.DateTimeFormatter.",
    )
    .example("FORMAT_DATE(FROM_DAYS(18993), 'dd-MMM-yyyy')", "01-Jan-2022"),
    Function::scalar(
        "FORMAT_TIME",
        Category::DateTime,
        &[Variation::row("(TIME time, VARCHAR formatPattern) VARCHAR", |args, _| {
            let Some(Value::Time(millis)) = args.first() else { return Ok(Value::Null) };
            with_pattern(text(args, 1)?, |pattern| pattern.format_time(*millis)).map(Value::String)
        })],
    )
    .spelled("format_time")
    .says("A TIME as text in a pattern.")
    .example("FORMAT_TIME(PARSE_TIME('010500', 'HHmmss'), 'HH_mm')", "01_05"),
    Function::scalar(
        "FORMAT_TIMESTAMP",
        Category::DateTime,
        &[
            Variation::row("(TIMESTAMP timestamp, VARCHAR formatPattern) VARCHAR", format_timestamp).says(
                "Converts a TIMESTAMP value into the string representation of the timestamp in the given format. Single \
                 quotes in the timestamp format can be escaped with '', for example: 'yyyy-MM-dd''T''HH:mm:ssX' The \
                 system default time zone is used when no time zone is explicitly provided. The format pattern should \
                 be in the format expected by java.time.format.DateTimeFormatter",
                &["TIMESTAMP value.", PATTERN_DOC],
            ),
            Variation::row("(TIMESTAMP timestamp, VARCHAR formatPattern, VARCHAR timeZone) VARCHAR", format_timestamp)
                .says(
                    "Converts a TIMESTAMP value into the string representation of the timestamp in the given format. \
                     Single quotes in the timestamp format can be escaped with '', for example: \
                     'yyyy-MM-dd''T''HH:mm:ssX'",
                    &["TIMESTAMP value.", PATTERN_DOC, ZONE_DOC],
                ),
        ],
    )
    .spelled("format_timestamp")
    .says("Converts a TIMESTAMP value into the string representation of the timestamp in the given format.")
    .example("FORMAT_TIMESTAMP('1970-01-01T00:00:00', 'HH:mm', 'Europe/Paris')", "01:00"),
    Function::scalar(
        "PARSE_DATE",
        Category::DateTime,
        &[Variation::row("(VARCHAR formattedDate, VARCHAR formatPattern) DATE", |args, _| {
            let written = text(args, 0)?;
            with_pattern(text(args, 1)?, |pattern| pattern.parse_date(written, true)).map(Value::Date)
        })
        .says(
            "Converts a string representation of a date in the given format into a DATE value.",
            &["The string representation of a date.", SIMPLE_DOC],
        )],
    )
    .spelled("parse_date")
    .says(
        "Converts a string representation of a date in the given format into a DATE value. The format pattern should be \
         in the format expected by java.text.SimpleDateFormat",
    )
    .example("PARSE_DATE('JAN-2022', 'MMM-yyyy')", "2022-01-01"),
    Function::scalar(
        "PARSE_TIME",
        Category::DateTime,
        &[Variation::row("(VARCHAR formattedTime, VARCHAR formatPattern) TIME", |args, _| {
            let written = text(args, 0)?;
            with_pattern(text(args, 1)?, |pattern| pattern.parse_time(written)).map(Value::Time)
        })],
    )
    .spelled("parse_time")
    .says("The TIME that a text in a pattern stands for.")
    .example("PARSE_TIME('11:20 pm', 'hh:mm a')", "23:20"),
    Function::scalar(
        "PARSE_TIMESTAMP",
        Category::DateTime,
        &[
            Variation::row("(VARCHAR formattedTimestamp, VARCHAR formatPattern) TIMESTAMP", |args, _| {
                parse_instant(args).map(Value::Timestamp)
            })
            .says(
                "Converts a string representation of a date in the given format into the TIMESTAMP value. Single quotes \
                 in the timestamp format can be escaped with '', for example: 'yyyy-MM-dd''T''HH:mm:ssX'.",
                &["The string representation of a date.", PATTERN_DOC],
            ),
            Variation::row("(VARCHAR formattedTimestamp, VARCHAR formatPattern, VARCHAR timeZone) TIMESTAMP", |args, _| {
                parse_instant(args).map(Value::Timestamp)
            })
            .says(
                "Converts a string representation of a date at the given time zone in the given format into the \
                 TIMESTAMP value. Single quotes in the timestamp format can be escaped with '', for example: \
                 'yyyy-MM-dd''T''HH:mm:ssX'.",
                &["The string representation of a date.", PATTERN_DOC, ZONE_DOC],
            ),
        ],
    )
    .spelled("parse_timestamp")
    .says("Converts a string representation of a date in the given format into a TIMESTAMP value.")
    .example("PARSE_TIMESTAMP('2020/05', 'yyyy/MM')", "2020-05-01T00:00:00.000"),
    Function::scalar("FROM_DAYS", Category::DateTime, &[Variation::row("(int days) DATE", |args, _| {
        int(args, 0).map(Value::Date)
    })])
    .spelled("from_days")
    .says("The DATE so many days after 1970-01-01.")
    .example("FROM_DAYS(1)", "1970-01-02"),
    Function::scalar("FROM_UNIXTIME", Category::DateTime, &[Variation::row("(BIGINT epochMilli) TIMESTAMP", |args, _| {
        instant(args).map(Value::Timestamp)
    })
    .says(
        "Converts the number of milliseconds since 1970-01-01 00:00:00 UTC/GMT into a TIMESTAMP value.",
        &["Milliseconds since January 1, 1970, 00:00:00 GMT."],
    )])
    .spelled("from_unixtime")
    .says("Converts the number of milliseconds since 1970-01-01 00:00:00 UTC/GMT into a TIMESTAMP value.")
    .example("FROM_UNIXTIME(1000)", "1970-01-01T00:00:01.000"),
    Function::scalar(
        "UNIX_DATE",
        Category::DateTime,
        &[
            Variation::row("() INT", |_, _| Ok(Value::Integer((Utc::now().timestamp_millis() / DAY) as i32))),
            Variation::row("(DATE date) INT", |args, _| {
                Ok(if let Some(Value::Date(days)) = args.first() { Value::Integer(*days) } else { Value::Null })
            }),
        ],
    )
    .spelled("unix_date")
    .says("Days since 1970-01-01 until today, or until a DATE.")
    .example("UNIX_DATE(FROM_DAYS(7))", "7"),
    Function::scalar(
        "UNIX_TIMESTAMP",
        Category::DateTime,
        &[
            Variation::row("() BIGINT", |_, _| Ok(Value::Bigint(Utc::now().timestamp_millis()))).says(
                "Returns the current number of milliseconds for the system since 1970-01-01 00:00:00 UTC/GMT.",
                &[],
            ),
            Variation::row("(TIMESTAMP timestamp) BIGINT", |args, _| instant(args).map(Value::Bigint)).says(
                "Returns the number of milliseconds since 1970-01-01 00:00:00 UTC/GMT represented by the given \
                 timestamp.",
                &["the TIMESTAMP value."],
            ),
        ],
    )
    .spelled("unix_timestamp")
    .says("Returns the current number of milliseconds for the system since 1970-01-01 00:00:00 UTC/GMT.")
    .example("UNIX_TIMESTAMP('1970-01-01T00:00:01')", "1000"),
    Function::scalar(
        "DATETOSTRING",
        Category::DateTime,
        &[Variation::row_nulls("(int epochDays, VARCHAR formatPattern) VARCHAR", |args, _| {
            if any_null(args) {
                return Ok(Value::Null);
            }
            let days = int(args, 0)?;
            with_pattern(text(args, 1)?, |pattern| pattern.format_date(days)).map(Value::String)
        })],
    )
    .spelled("datetostring")
    .says("Days since 1970-01-01 as text in a pattern. FORMAT_DATE takes a DATE.")
    .example("DATETOSTRING(0, 'dd-MM-yyyy')", "01-01-1970"),
    Function::scalar(
        "STRINGTODATE",
        Category::DateTime,
        &[Variation::row_nulls("(VARCHAR formattedDate, VARCHAR formatPattern) INT", |args, _| {
            let written = text(args, 0)?;
            with_pattern(text(args, 1)?, |pattern| pattern.parse_date(written, false)).map(Value::Integer)
        })],
    )
    .spelled("stringtodate")
    .says("Days since 1970-01-01 until the date that a text in a pattern stands for. PARSE_DATE gives a DATE.")
    .example("STRINGTODATE('11/05/2019', 'dd/MM/yyyy')", "18027"),
    Function::scalar(
        "STRINGTOTIMESTAMP",
        Category::DateTime,
        &[
            Variation::row_nulls("(VARCHAR formattedTimestamp, VARCHAR formatPattern) BIGINT", |args, _| {
                parse_instant(args).map(Value::Bigint)
            })
            .says(
                "Converts a string representation of a date in the given format into the number of milliseconds since \
                 1970-01-01 00:00:00 UTC/GMT. Single quotes in the timestamp format can be escaped with '', for \
                 example: 'yyyy-MM-dd''T''HH:mm:ssX'. The system default time zone is used when no time zone is \
                 explicitly provided.",
                &["The string representation of a date.", PATTERN_DOC],
            ),
            Variation::row_nulls("(VARCHAR formattedTimestamp, VARCHAR formatPattern, VARCHAR timeZone) BIGINT", |args, _| {
                parse_instant(args).map(Value::Bigint)
            })
            .says(
                "Converts a string representation of a date at the given time zone into the number of milliseconds \
                 since 1970-01-01 00:00:00 UTC/GMT. Single quotes in the timestamp format can be escaped with '', for \
                 example: 'yyyy-MM-dd''T''HH:mm:ssX'.",
                &["The string representation of a date.", PATTERN_DOC, ZONE_DOC],
            ),
        ],
    )
    .spelled("stringtotimestamp")
    .says(
        "Converts a string representation of a date in the given format into the number of milliseconds since \
         1970-01-01 00:00:00 UTC/GMT. The system default time zone is used when no time zone is explicitly provided.",
    )
    .example("STRINGTOTIMESTAMP('1970-01-02', 'yyyy-MM-dd')", "86400000"),
    Function::scalar(
        "TIMESTAMPTOSTRING",
        Category::DateTime,
        &[
            Variation::row("(bigint epochMilli, VARCHAR formatPattern) VARCHAR", format_timestamp),
            Variation::row("(bigint epochMilli, VARCHAR formatPattern, VARCHAR timeZone) VARCHAR", format_timestamp),
        ],
    )
    .spelled("timestamptostring")
    .says("Milliseconds since 1970-01-01 as text in a pattern. FORMAT_TIMESTAMP takes a TIMESTAMP.")
    .example("TIMESTAMPTOSTRING(0, 'yyyy-MM-dd''T''HH:mm:ssX')", "1970-01-01T00:00:00Z"),
];

thread_local! {
    /// The last pattern, compiled: most calls have a constant one.
    static LAST: RefCell<Option<(String, Pattern)>> = const { RefCell::new(None) };
}

fn with_pattern<T>(pattern: &str, apply: impl FnOnce(&Pattern) -> Result<T, String>) -> Result<T, String> {
    LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(known, _)| known != pattern) {
            *last = Some((pattern.to_owned(), Pattern::new(pattern)?));
        }
        last.as_ref().map_or_else(|| Err(String::new()), |(_, pattern)| apply(pattern))
    })
}

/// Milliseconds of argument 0.
fn instant(args: &[Value]) -> Result<i64, String> {
    match args.first() {
        Some(Value::Timestamp(millis) | Value::Bigint(millis)) => Ok(*millis),
        _ => Err("not an instant".to_owned()),
    }
}

/// The zone of argument 2, or UTC.
fn zone(args: &[Value]) -> Result<Zone, String> {
    optional_text(args, 2).map_or_else(|| Ok(Zone::utc()), Zone::new)
}

fn format_timestamp(args: &[Value], _: &Context<'_>) -> Row {
    let (millis, zone) = (instant(args)?, zone(args)?);
    with_pattern(text(args, 1)?, |pattern| pattern.format_timestamp(millis, &zone)).and_then(string)
}

fn parse_instant(args: &[Value]) -> Result<i64, String> {
    let (written, zone) = (text(args, 0)?, zone(args)?);
    with_pattern(text(args, 1)?, |pattern| pattern.parse_timestamp(written, &zone))
}

/// Moves argument 2 by argument 1 times the unit of argument 0, which is given in milliseconds.
fn shift(args: &[Value], sign: i64) -> Row {
    let Some(Value::Bigint(unit)) = args.first() else { return Err("not a unit of time".to_owned()) };
    let moved = unit * i64::from(int(args, 1)?) * sign;
    match args.get(2) {
        Some(Value::Date(days)) => {
            let days = (i64::from(*days) * DAY).saturating_add(moved) / DAY;
            i32::try_from(days).map(Value::Date).map_err(|_| "the date is out of range".to_owned())
        }
        Some(Value::Time(millis)) => Ok(Value::Time((i64::from(*millis) + moved).rem_euclid(DAY) as i32)),
        Some(Value::Timestamp(millis)) => {
            millis.checked_add(moved).map(Value::Timestamp).ok_or_else(|| "the timestamp is out of range".to_owned())
        }
        _ => Err("not a date or time".to_owned()),
    }
}

//! Dates, times and timestamps: arithmetic, zones, text.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType};
use arrow::error::ArrowError;

use super::columns::{Compiled, Kept, Numbers, Texts, numbers, refuse_nulls, texts};
use super::{Batch, Category, Function, Variation};
use crate::expr::java_time::{DatePattern, Pattern, Zone};

const FORMAT: &str = "A pattern of letters as java.time defines them.";
const DAY_MILLIS: i64 = 86_400_000;

/// Adding to or subtracting from a date or time.
macro_rules! shift {
    ($name:literal, $ty:literal, $param:literal, $kernel:ident, $sign:literal, $says:literal) => {
        Function::scalar(
            $name,
            Category::DateTime,
            &[Variation::batch(concat!("(INTERVAL UNIT unit, INT interval, ", $ty, " ", $param, ") ", $ty), |batch| {
                $kernel(batch, $sign)
            })],
        )
        .says($says)
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    shift!("DATEADD", "DATE", "date", shift_date, 1, "A date some time later; parts of a day do not count.")
        .spelled("dateadd")
        .example("DATEADD(DAYS, 2, CAST('2020-02-28' AS DATE))", "2020-03-01"),
    shift!("DATESUB", "DATE", "date", shift_date, -1, "A date some time earlier; parts of a day do not count.")
        .spelled("datesub")
        .example("DATESUB(DAYS, 1, CAST('2020-03-01' AS DATE))", "2020-02-29"),
    shift!("TIMEADD", "TIME", "time", shift_time, 1, "A time of day some time later; after midnight it starts again.")
        .spelled("timeadd")
        .example("TIMEADD(HOURS, 2, CAST('23:00' AS TIME))", "01:00"),
    shift!(
        "TIMESUB",
        "TIME",
        "time",
        shift_time,
        -1,
        "A time of day some time earlier; before midnight it is the evening before."
    )
    .spelled("timesub")
    .example("TIMESUB(MINUTES, 1, CAST('00:00' AS TIME))", "23:59"),
    shift!("TIMESTAMPADD", "TIMESTAMP", "timestamp", shift_timestamp, 1, "A timestamp some time later.")
        .spelled("timestampadd")
        .example("TIMESTAMPADD(SECONDS, 1, FROM_UNIXTIME(0))", "1970-01-01T00:00:01.000"),
    shift!("TIMESTAMPSUB", "TIMESTAMP", "timestamp", shift_timestamp, -1, "A timestamp some time earlier.")
        .spelled("timestampsub")
        .example("TIMESTAMPSUB(DAYS, 1, FROM_UNIXTIME(0))", "1969-12-31T00:00:00.000"),
    Function::scalar(
        "CONVERT_TZ",
        Category::DateTime,
        &[Variation::batch("(TIMESTAMP timestamp, VARCHAR fromTimeZone, VARCHAR toTimeZone) TIMESTAMP", convert_zone)],
    )
    .spelled("convert_tz")
    .says("Moves a TIMESTAMP by the difference between two time zones.")
    .example("CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', '+03:30')", "1970-01-01T03:30:00.000"),
    Function::scalar(
        "FORMAT_DATE",
        Category::DateTime,
        &[Variation::batch("(DATE date, VARCHAR formatPattern) VARCHAR", |batch| {
            let (dates, mut patterns) = (Numbers::<Date32Type>::new(batch, 0)?, patterns(batch, 1)?);
            Ok(texts(batch, |row, out| patterns.at(row)?.format_date(dates.at(row), out)))
        })],
    )
    .spelled("format_date")
    .says("A DATE as text in a pattern.")
    .example("FORMAT_DATE(FROM_DAYS(18993), 'E, d MMM yyyy')", "Sat, 1 Jan 2022"),
    Function::scalar(
        "FORMAT_TIME",
        Category::DateTime,
        &[Variation::batch("(TIME time, VARCHAR formatPattern) VARCHAR", |batch| {
            let (times, mut patterns) = (Numbers::<Time32MillisecondType>::new(batch, 0)?, patterns(batch, 1)?);
            Ok(texts(batch, |row, out| patterns.at(row)?.format_time(times.at(row), out)))
        })
        .says("", &["The time to convert", FORMAT])],
    )
    .spelled("format_time")
    .says("A time of day as text, as a pattern of java.time.format.DateTimeFormatter says.")
    .example("FORMAT_TIME(CAST('14:05:00' AS TIME), 'h.mm a')", "2.05 PM"),
    Function::scalar(
        "FORMAT_TIMESTAMP",
        Category::DateTime,
        &[
            Variation::batch("(TIMESTAMP timestamp, VARCHAR formatPattern) VARCHAR", |batch| {
                format_timestamp(batch, Numbers::<TimestampMillisecondType>::new(batch, 0)?, &Zone::GMT)
            }),
            Variation::batch("(TIMESTAMP timestamp, VARCHAR formatPattern, VARCHAR timeZone) VARCHAR", |batch| {
                format_timestamp(batch, Numbers::<TimestampMillisecondType>::new(batch, 0)?, &Zone::GMT)
            }),
        ],
    )
    .spelled("format_timestamp")
    .says("A TIMESTAMP as text in a pattern and a time zone, UTC if none is given.")
    .example("FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'yyyy-MM-dd HH:mm z', 'Europe/Paris')", "1970-01-01 01:00 CET"),
    Function::scalar(
        "FROM_DAYS",
        Category::DateTime,
        &[Variation::batch("(int days) DATE", |batch| {
            Ok(Arc::new(batch.column(0)?.as_primitive::<Int32Type>().reinterpret_cast::<Date32Type>()))
        })
        .says("", &["Days since 1 January 1970."])],
    )
    .spelled("from_days")
    .says("The date a number of days after 1 January 1970.")
    .example("FROM_DAYS(31)", "1970-02-01"),
    Function::scalar(
        "FROM_UNIXTIME",
        Category::DateTime,
        &[Variation::batch("(BIGINT epochMilli) TIMESTAMP", |batch| {
            Ok(Arc::new(batch.column(0)?.as_primitive::<Int64Type>().reinterpret_cast::<TimestampMillisecondType>()))
        })],
    )
    .spelled("from_unixtime")
    .says("The TIMESTAMP so many milliseconds after 1970-01-01.")
    .example("FROM_UNIXTIME(1)", "1970-01-01T00:00:00.001"),
    Function::scalar(
        "PARSE_DATE",
        Category::DateTime,
        &[Variation::batch("(VARCHAR formattedDate, VARCHAR formatPattern) DATE", parse_date)],
    )
    .spelled("parse_date")
    .says("The DATE that a text in a pattern stands for.")
    .example("PARSE_DATE('1/Feb/2022', 'd/MMM/yyyy')", "2022-02-01"),
    Function::scalar(
        "PARSE_TIME",
        Category::DateTime,
        &[Variation::batch("(VARCHAR formattedTime, VARCHAR formatPattern) TIME", |batch| {
            let (given, mut patterns) = (Texts::new(batch, 0)?, patterns(batch, 1)?);
            Ok(numbers::<Time32MillisecondType>(batch, |row| patterns.at(row)?.parse_time(given.at(row))))
        })
        .says("", &["The time as text.", FORMAT])],
    )
    .spelled("parse_time")
    .says("Reads a time of day from text, as a pattern of java.time.format.DateTimeFormatter says.")
    .example("PARSE_TIME('2.05 pm', 'h.mm a')", "14:05"),
    Function::scalar(
        "PARSE_TIMESTAMP",
        Category::DateTime,
        &[
            Variation::batch("(VARCHAR formattedTimestamp, VARCHAR formatPattern) TIMESTAMP", |batch| {
                parse_timestamp::<TimestampMillisecondType>(batch, &Zone::GMT)
            }),
            Variation::batch(
                "(VARCHAR formattedTimestamp, VARCHAR formatPattern, VARCHAR timeZone) TIMESTAMP",
                |batch| parse_timestamp::<TimestampMillisecondType>(batch, &Zone::GMT),
            ),
        ],
    )
    .spelled("parse_timestamp")
    .says("The TIMESTAMP that a text in a pattern and a time zone stands for, UTC if none is given.")
    .example("PARSE_TIMESTAMP('01.02.2022 14:05', 'dd.MM.yyyy HH:mm')", "2022-02-01T14:05:00.000"),
    Function::scalar(
        "UNIX_DATE",
        Category::DateTime,
        &[
            Variation::batch("() INT", |batch| {
                let now = now() / 1000;
                let today = (now + i64::from(Zone::system().offset_at(now))).div_euclid(86_400);
                Ok(Arc::new(Int32Array::from_value(i32::try_from(today).unwrap_or(i32::MAX), batch.len)))
            })
            .says("Today, on the clock of the server.", &[]),
            Variation::batch("(DATE date) INT", |batch| {
                Ok(Arc::new(batch.column(0)?.as_primitive::<Date32Type>().reinterpret_cast::<Int32Type>()))
            })
            .says("", &["The date to convert."]),
        ],
    )
    .spelled("unix_date")
    .says("The number of days from 1 January 1970 to a date, or to today.")
    .example("UNIX_DATE(CAST('1970-02-01' AS DATE))", "31"),
    Function::scalar(
        "UNIX_TIMESTAMP",
        Category::DateTime,
        &[
            Variation::batch("() BIGINT", |batch| Ok(Arc::new(Int64Array::from_value(now(), batch.len)))),
            Variation::batch("(TIMESTAMP timestamp) BIGINT", |batch| {
                let column = batch.column(0)?;
                Ok(Arc::new(column.as_primitive::<TimestampMillisecondType>().reinterpret_cast::<Int64Type>()))
            }),
        ],
    )
    .spelled("unix_timestamp")
    .says("Milliseconds since 1970-01-01 until now, or until a TIMESTAMP.")
    .example("UNIX_TIMESTAMP(FROM_UNIXTIME(12))", "12"),
    Function::scalar(
        "DATETOSTRING",
        Category::DateTime,
        &[Variation::batch("(int epochDays, VARCHAR formatPattern) VARCHAR", |batch| {
            let (days, mut patterns) = (Numbers::<Int32Type>::new(batch, 0)?, patterns(batch, 1)?);
            Ok(texts(batch, |row, out| patterns.at(row)?.format_date(days.at(row), out)))
        })
        .says("", &["Days since 1 January 1970.", FORMAT])],
    )
    .spelled("datetostring")
    .says("Deprecated, FORMAT_DATE takes its place. A date, given as days since 1 January 1970, as text.")
    .example("DATETOSTRING(31, 'yyyy-MM-dd')", "1970-02-01"),
    Function::scalar(
        "STRINGTODATE",
        Category::DateTime,
        &[Variation::batch("(VARCHAR formattedDate, VARCHAR formatPattern) INT", |batch| {
            refuse_nulls(batch);
            let (given, mut patterns) = (Texts::new(batch, 0)?, patterns(batch, 1)?);
            Ok(numbers::<Int32Type>(batch, |row| patterns.at(row)?.parse_date(given.at(row))))
        })
        .says("", &["The date as text.", FORMAT])],
    )
    .spelled("stringtodate")
    .says("Deprecated, PARSE_DATE takes its place. Days since 1 January 1970 of a date as text.")
    .example("STRINGTODATE('1970-02-01', 'yyyy-MM-dd')", "31"),
    Function::scalar(
        "STRINGTOTIMESTAMP",
        Category::DateTime,
        &[
            Variation::batch("(VARCHAR formattedTimestamp, VARCHAR formatPattern) BIGINT", |batch| {
                refuse_nulls(batch);
                parse_timestamp::<Int64Type>(batch, Zone::system())
            }),
            Variation::batch("(VARCHAR formattedTimestamp, VARCHAR formatPattern, VARCHAR timeZone) BIGINT", |batch| {
                refuse_nulls(batch);
                parse_timestamp::<Int64Type>(batch, Zone::system())
            }),
        ],
    )
    .spelled("stringtotimestamp")
    .says("Milliseconds since 1970-01-01 until what a text in a pattern stands for. PARSE_TIMESTAMP gives a TIMESTAMP.")
    .example("STRINGTOTIMESTAMP('1970', 'yyyy', 'UTC')", "0"),
    Function::scalar(
        "TIMESTAMPTOSTRING",
        Category::DateTime,
        &[
            Variation::batch("(bigint epochMilli, VARCHAR formatPattern) VARCHAR", |batch| {
                format_timestamp(batch, Numbers::<Int64Type>::new(batch, 0)?, Zone::system())
            })
            .says("In the zone of the server.", &["Milliseconds since 1 January 1970.", FORMAT]),
            Variation::batch("(bigint epochMilli, VARCHAR formatPattern, VARCHAR timeZone) VARCHAR", |batch| {
                format_timestamp(batch, Numbers::<Int64Type>::new(batch, 0)?, Zone::system())
            })
            .says("", &["Milliseconds since 1 January 1970.", FORMAT, "Name of a zone."]),
        ],
    )
    .spelled("timestamptostring")
    .says("Deprecated, FORMAT_TIMESTAMP takes its place. Milliseconds since 1 January 1970 as text.")
    .example("TIMESTAMPTOSTRING(0, 'HH:mm', '-05:00')", "19:00"),
];

thread_local! {
    static PATTERNS: Kept<Pattern> = Kept::new(HashMap::new());
    static DATE_PATTERNS: Kept<DatePattern> = Kept::new(HashMap::new());
    static ZONES: Kept<Zone> = Kept::new(HashMap::new());
}

fn patterns<'a>(batch: &Batch<'a>, i: usize) -> Result<Compiled<'a, Pattern>, ArrowError> {
    Compiled::new(batch, i, &PATTERNS, Pattern::new)
}

fn zones<'a>(batch: &Batch<'a>, i: usize) -> Result<Compiled<'a, Zone>, ArrowError> {
    Compiled::new(batch, i, &ZONES, Zone::of)
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Milliseconds of the unit that is the first argument, a constant.
fn unit_millis(batch: &Batch<'_>) -> Result<i64, ArrowError> {
    Ok(Numbers::<Int64Type>::new(batch, 0)?.at(0))
}

fn shift_date(batch: &Batch<'_>, sign: i64) -> Result<ArrayRef, ArrowError> {
    let unit = unit_millis(batch)? * sign;
    let (intervals, dates) = (Numbers::<Int32Type>::new(batch, 1)?, Numbers::<Date32Type>::new(batch, 2)?);
    Ok(numbers::<Date32Type>(batch, |row| {
        let millis = i64::from(dates.at(row)) * DAY_MILLIS + i64::from(intervals.at(row)) * unit;
        i32::try_from(millis / DAY_MILLIS).map_err(|_| "the date is out of range".to_owned())
    }))
}

fn shift_time(batch: &Batch<'_>, sign: i64) -> Result<ArrayRef, ArrowError> {
    let unit = unit_millis(batch)? * sign;
    let (intervals, times) = (Numbers::<Int32Type>::new(batch, 1)?, Numbers::<Time32MillisecondType>::new(batch, 2)?);
    Ok(numbers::<Time32MillisecondType>(batch, |row| {
        let millis = i64::from(times.at(row)) + i64::from(intervals.at(row)) * unit;
        Ok(millis.rem_euclid(DAY_MILLIS) as i32)
    }))
}

fn shift_timestamp(batch: &Batch<'_>, sign: i64) -> Result<ArrayRef, ArrowError> {
    let unit = unit_millis(batch)? * sign;
    let (intervals, times) =
        (Numbers::<Int32Type>::new(batch, 1)?, Numbers::<TimestampMillisecondType>::new(batch, 2)?);
    Ok(numbers::<TimestampMillisecondType>(batch, |row| {
        let shifted = times.at(row).checked_add(i64::from(intervals.at(row)) * unit);
        shifted.ok_or_else(|| "the timestamp is out of range".to_owned())
    }))
}

/// Moves by the difference of the two offsets, both at the instant the timestamp is in UTC.
fn convert_zone(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let times = Numbers::<TimestampMillisecondType>::new(batch, 0)?;
    let (mut from, mut to) = (zones(batch, 1)?, zones(batch, 2)?);
    Ok(numbers::<TimestampMillisecondType>(batch, |row| {
        let millis = times.at(row);
        let instant = millis.div_euclid(1000);
        let difference = to.at(row)?.offset_at(instant) - from.at(row)?.offset_at(instant);
        let shifted = millis.checked_add(i64::from(difference) * 1000);
        shifted.ok_or_else(|| "the timestamp is out of range".to_owned())
    }))
}

fn parse_date(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    let mut patterns = Compiled::new(batch, 1, &DATE_PATTERNS, DatePattern::new)?;
    Ok(numbers::<Date32Type>(batch, |row| patterns.at(row)?.parse(given.at(row))))
}

/// Text, pattern and maybe zone → milliseconds since the epoch.
fn parse_timestamp<T>(batch: &Batch<'_>, default: &Zone) -> Result<ArrayRef, ArrowError>
where
    T: arrow::array::ArrowPrimitiveType<Native = i64>,
{
    let (given, mut patterns) = (Texts::new(batch, 0)?, patterns(batch, 1)?);
    if batch.args.len() < 3 {
        return Ok(numbers::<T>(batch, |row| patterns.at(row)?.parse_timestamp(given.at(row), default)));
    }
    let mut zones = zones(batch, 2)?;
    Ok(numbers::<T>(batch, |row| patterns.at(row)?.parse_timestamp(given.at(row), zones.at(row)?)))
}

/// Milliseconds since the epoch, pattern and maybe zone → text.
fn format_timestamp<T>(batch: &Batch<'_>, times: Numbers<'_, T>, default: &Zone) -> Result<ArrayRef, ArrowError>
where
    T: arrow::array::ArrowPrimitiveType<Native = i64>,
{
    let mut patterns = patterns(batch, 1)?;
    if batch.args.len() < 3 {
        return Ok(texts(batch, |row, out| patterns.at(row)?.format_timestamp(times.at(row), default, out)));
    }
    let mut zones = zones(batch, 2)?;
    Ok(texts(batch, |row, out| patterns.at(row)?.format_timestamp(times.at(row), zones.at(row)?, out)))
}

#[cfg(test)]
mod tests {
    use crate::expr::testing::{rows, table};

    #[test]
    fn functions_of_dates_and_times() {
        let table = table(&[
            "D DATE: 1970-01-06 | 1969-12-28 | null",
            "T TIME: 00:00:10 | 23:59:59 | null",
            "S TIMESTAMP: 2018-05-11T21:58:33 | 1969-12-31T23:59:59.999 | null",
            "N INTEGER: 5 | -5 | 1",
            "L BIGINT: 0 | -1 | null",
            "X STRING: 2018-05-11 | x | null",
            "F STRING: yyyy-MM-dd | nope | null",
        ]);
        for (expression, expected) in [
            ("DATEADD(DAYS, N, D)", ["1970-01-11", "1969-12-23", "null"]),
            ("DATESUB(HOURS, 1, D)", ["1970-01-05", "1969-12-28", "null"]),
            ("DATEADD(DAYS, NULL, D)", ["null"; 3]),
            ("TIMEADD(SECONDS, N, T)", ["00:00:15", "23:59:54", "null"]),
            ("TIMESUB(HOURS, N, T)", ["19:00:10", "04:59:59", "null"]),
            ("TIMESTAMPADD(MILLISECONDS, N, S)", ["2018-05-11T21:58:33.005", "1969-12-31T23:59:59.994", "null"]),
            ("FORMAT_DATE(D, F)", ["1970-01-06", "!null", "null"]),
            ("FORMAT_DATE(D, 'HH')", ["!null", "!null", "null"]),
            ("FORMAT_TIME(T, 'HH_mm_ss_SSS')", ["00_00_10_000", "23_59_59_000", "null"]),
            ("FORMAT_TIMESTAMP(S, 'HH:mm z')", ["21:58 GMT", "23:59 GMT", "null"]),
            ("FORMAT_TIMESTAMP(S, 'HH:mm', '+01:00')", ["22:58", "00:59", "null"]),
            ("FORMAT_TIMESTAMP(S, 'HH:mm', 'Nowhere')", ["!null", "!null", "null"]),
            ("PARSE_DATE(X, 'yyyy-MM-dd')", ["2018-05-11", "!null", "null"]),
            ("PARSE_TIME('10:00', 'HH:mm')", ["10:00"; 3]),
            ("PARSE_TIMESTAMP(X, F)", ["2018-05-11T00:00:00.000", "!null", "null"]),
            ("PARSE_TIMESTAMP(X, 'yyyy-MM-dd', 'Europe/Berlin')", ["2018-05-10T22:00:00.000", "!null", "null"]),
            ("STRINGTODATE(X, 'yyyy-MM-dd')", ["17662", "!null", "!null"]),
            ("STRINGTOTIMESTAMP(X, 'yyyy-MM-dd', 'UTC')", ["1525996800000", "!null", "!null"]),
            ("TIMESTAMPTOSTRING(L, 'ss.SSS', 'UTC')", ["00.000", "59.999", "!null"]),
            ("DATETOSTRING(N, 'yyyy-MM-dd')", ["1970-01-06", "1969-12-27", "1970-01-02"]),
            ("FROM_DAYS(N)", ["1970-01-06", "1969-12-27", "1970-01-02"]),
            ("UNIX_DATE(D)", ["5", "-4", "null"]),
            ("UNIX_TIMESTAMP(S)", ["1526075913000", "-1", "null"]),
            ("FROM_UNIXTIME(L)", ["1970-01-01T00:00:00.000", "1969-12-31T23:59:59.999", "null"]),
            (
                "CONVERT_TZ(S, 'America/Los_Angeles', 'America/New_York')",
                ["2018-05-12T00:58:33.000", "1970-01-01T02:59:59.999", "null"],
            ),
            ("UNIX_TIMESTAMP() > 1700000000000 AND UNIX_DATE() > 19000", ["true"; 3]),
        ] {
            assert_eq!(rows(expression, &table), expected, "{expression}");
        }
    }
}

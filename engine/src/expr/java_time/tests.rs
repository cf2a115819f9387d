use super::{Pattern, Zone};

fn formatted(pattern: &str, millis: i64, zone: &str) -> String {
    let mut out = String::new();
    let zone = Zone::of(zone).unwrap();
    match Pattern::new(pattern).unwrap().format_timestamp(millis, &zone, &mut out) {
        Ok(()) => out,
        Err(message) => message,
    }
}

#[test]
fn timestamps_are_written_as_java_does() {
    const MAY: i64 = 1_526_075_913_042;
    for (pattern, zone, text) in [
        ("yyyy-MM-dd HH:mm:ss.SSS", "UTC", "2018-05-11 21:58:33.042"),
        ("yyyy-MM-dd HH:mm:ss zzz", "America/Los_Angeles", "2018-05-11 14:58:33 PDT"),
        ("yyyy-MM-dd HH:mm:ss zzz", "Europe/London", "2018-05-11 22:58:33 BST"),
        ("zzzz", "America/Los_Angeles", "Pacific Daylight Time"),
        ("z", "+03:30", "+03:30"),
        ("z VV", "GMT", "GMT GMT"),
        ("Z ZZZZ ZZZZZ", "Asia/Kolkata", "+0530 GMT+05:30 +05:30"),
        ("X XX XXX x xx xxx", "UTC", "Z Z Z +00 +0000 +00:00"),
        ("X XX XXX x xx xxx", "-05:00", "-05 -0500 -05:00 -05 -0500 -05:00"),
        ("X", "+05:30", "+0530"),
        ("O OOOO", "+05:30", "GMT+5:30 GMT+05:30"),
        ("E EEEE EEEEE e c", "UTC", "Fri Friday F 6 6"),
        ("d MMM MMMM MMMMM yy u", "UTC", "11 May May M 18 2018"),
        ("h hh K k a", "UTC", "9 09 9 21 PM"),
        ("D DDD QQQ QQQQ q", "UTC", "131 131 Q2 2nd quarter 2"),
        ("G GGGG", "UTC", "AD Anno Domini"),
        ("YYYY-'W'ww W", "UTC", "2018-W19 2"),
        ("S SSSSSS n A", "UTC", "0 042000 42000000 79113042"),
        ("'o''clock' ''", "UTC", "o'clock '"),
        ("pppppH|", "UTC", "   21|"),
        ("yyyy[-MM[-dd]]", "UTC", "2018-05-11"),
    ] {
        assert_eq!(formatted(pattern, MAY, zone), text, "{pattern} {zone}");
    }
    assert_eq!(formatted("yyyy-MM-dd G", -62_198_755_200_000, "UTC"), "0002-01-01 BC");
    assert_eq!(formatted("YYYY ww", 1_577_664_000_000, "UTC"), "2020 01");
    assert_eq!(formatted("yyyy", 253_402_300_800_000, "UTC"), "+10000");
}

#[test]
fn bad_patterns_are_refused_in_javas_words() {
    for (pattern, message) in [
        ("nope", "Unknown pattern letter: o"),
        ("aaa", "Too many pattern letters: a"),
        ("ddd", "Too many pattern letters: d"),
        ("yyyy'T", "Pattern ends with an incomplete string literal: yyyy'T"),
        ("yyyy]", "Pattern invalid as it contains ] without previous ["),
        ("{yyyy}", "Pattern includes reserved character: '{'"),
        ("V", "Pattern letter count must be 2: V"),
        (&"[y".repeat(100_000), "Pattern has more than 64 optional sections within each other"),
        ("p-", "Pad letter 'p' must be followed by valid pad pattern: p-"),
    ] {
        assert_eq!(Pattern::new(pattern).unwrap_err(), message, "{pattern}");
    }
    let mut out = String::new();
    assert!(Pattern::new("yyyy HH").unwrap().format_date(0, &mut out).is_err());
    assert!(Pattern::new("yyyy HH").unwrap().format_time(0, &mut out).is_err());
}

#[test]
fn timestamps_are_read_as_java_does() {
    for (pattern, text, millis) in [
        ("yyyy-MM-dd'T'HH:mm:ss", "2018-05-11T21:58:33", Some(1_526_075_913_000)),
        ("yyyy-MM-dd'T'HH:mm:ssX", "2018-05-11T21:58:33Z", Some(1_526_075_913_000)),
        ("yyyy-MM-dd'T'HH:mm:ss.SX", "2019-08-27T13:31:09.2+0000", Some(1_566_912_669_200)),
        ("yyyy-MM-dd'T'HH:mm:ss zzz", "2018-05-11T21:58:33 PST", Some(1_526_101_113_000)),
        ("yyyy-MM-dd HH:mm VV", "2018-05-11 21:58 Europe/Berlin", Some(1_526_068_680_000)),
        ("yyyy-MM-dd HH:mm O", "2018-05-11 21:58 GMT+2", Some(1_526_068_680_000)),
        ("yyyyMMddHHmmssSSS", "20180511215833042", Some(1_526_075_913_042)),
        ("yyyy", "2021", Some(1_609_459_200_000)),
        ("MMM yyyy", "Feb 2021", Some(1_612_137_600_000)),
        ("HH:mm", "01:30", Some(5_400_000)),
        ("mm:ss", "01:30", Some(90_000)),
        ("dd", "31", Some(2_592_000_000)),
        ("MM-dd", "02-29", Some(58 * 86_400_000)),
        ("yy-M-d", "21-1-1", Some(1_609_459_200_000)),
        ("yyyy-MM-dd h a", "2021-01-01 12 AM", Some(1_609_459_200_000)),
        ("yyyy-MM-dd HH:mm", "2020-12-31 24:00", Some(1_609_459_200_000)),
        ("yyyy-DDD", "2021-001", Some(1_609_459_200_000)),
        ("yyyy-MM-dd[ HH:mm]", "2021-01-01", Some(1_609_459_200_000)),
        ("E yyyy-MM-dd", "Fri 2021-01-01", Some(1_609_459_200_000)),
        // The last day of a month stands for those it does not have.
        ("yyyy-MM-dd", "2021-02-31", Some(1_614_470_400_000)),
        ("E yyyy-MM-dd", "Mon 2021-01-01", None),
        ("yyyy-MM-dd", "2021-01-32", None),
        ("yyyy-MM-dd", "2021-1-1", None),
        ("yyyy-MM-dd", "2021-01-01 ", None),
        ("MMM yyyy", "FEB 2021", None),
        ("HH:mm", "25:00", None),
        ("yyyy-DDD", "2021-366", None),
        ("DDD", "366", None),
    ] {
        let read = Pattern::new(pattern).unwrap().parse_timestamp(text, &Zone::Offset(0));
        assert_eq!(read.clone().ok(), millis, "{pattern} {text}: {read:?}");
    }
    let berlin = Zone::of("Europe/Berlin").unwrap();
    let pattern = Pattern::new("yyyy-MM-dd HH:mm").unwrap();
    assert_eq!(pattern.parse_timestamp("2018-05-11 21:58", &berlin), Ok(1_526_068_680_000));
}

#[test]
fn an_hour_that_comes_twice_is_the_first_one() {
    let utc = Zone::Offset(0);
    let berlin = Zone::of("Europe/Berlin").unwrap();
    let read = |pattern: &str, text: &str, zone: &Zone| Pattern::new(pattern).unwrap().parse_timestamp(text, zone);
    const FIRST: Result<i64, String> = Ok(1_635_640_200_000);
    assert_eq!(read("yyyy-MM-dd HH:mm", "2021-10-31 02:30", &berlin), FIRST);
    assert_eq!(read("yyyy-MM-dd HH:mm VV", "2021-10-31 02:30 Europe/Berlin", &utc), FIRST);
    assert_eq!(read("yyyy-MM-dd HH:mm z", "2021-10-31 02:30 CET", &utc), FIRST);
    // An offset says which one is meant.
    assert_eq!(read("yyyy-MM-dd HH:mm XXX", "2021-10-31 02:30 +01:00", &berlin), Ok(1_635_643_800_000));
    // An hour that does not come is the one after it.
    assert_eq!(read("yyyy-MM-dd HH:mm", "2021-03-28 02:30", &berlin), Ok(1_616_895_000_000));
}

#[test]
fn numbers_beyond_all_dates_are_refused() {
    for (pattern, text) in [
        ("u", "999999999"),
        ("u", "-999999999"),
        ("u", "9223372036854775807"),
        ("yyyyyyyyyyyyyyyyyyy", "9999999999999999999"),
        ("g", "9223372036854775807"),
        ("N", "9223372036854775807"),
    ] {
        assert!(Pattern::new(pattern).unwrap().parse_timestamp(text, &Zone::Offset(0)).is_err(), "{pattern} {text}");
    }
}

#[test]
fn dates_and_times_must_be_whole() {
    let date = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().parse_date(text).ok();
    assert_eq!(date("dd-MMM-yyyy", "01-Jan-2022"), Some(18_993));
    assert_eq!(date("yyyyMMdd", "20220101"), Some(18_993));
    assert_eq!(date("MMM-yyyy", "Jan-2022"), None);
    let time = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().parse_time(text).ok();
    assert_eq!(time("HH:mm", "23:59"), Some(86_340_000));
    assert_eq!(time("hh:mm a", "11:05 pm"), Some(83_100_000));
    assert_eq!(time("HH", "07"), Some(25_200_000));
    assert_eq!(time("hh:mm", "07:15"), None);
    assert_eq!(time("yyyy HH", "2020 07"), None);
}

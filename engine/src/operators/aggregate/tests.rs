use super::{AggregateTable, GroupCall, GroupTable, Grouping, SessionAggregate, StreamAggregate, Updates};
use crate::expr::aggregates::{Aggregates, Call, Limits};
use crate::expr::{Kind, Registry, Settings, Typed, compile};
use crate::formats::FormatSpec;
use crate::operators::harness::Harness;
use crate::operators::{Context, KeyForm, Operator, OperatorError};
use crate::state::Place;
use crate::types::{Changes, Column, Schema, SqlType, Window, WindowKind};

/// `COUNT(*)` and `name` over the input's column 1, an INT.
pub(in crate::operators) fn grouping<'a>(name: &str, place: &'a Place, with_old: bool) -> Grouping<'a> {
    grouping_of(SqlType::Bigint, 1, name, place, with_old)
}

/// Columns of what a windowed `grouping` makes.
pub(in crate::operators) fn stream_schema() -> Schema {
    let column = |name: &str, ty| Column::new(name, ty);
    let value = vec![
        column("COUNT", SqlType::Bigint),
        column("RESULT", SqlType::Integer),
        column("START", SqlType::Bigint),
        column("END", SqlType::Bigint),
    ];
    Schema { key: vec![column("ID", SqlType::Bigint)], value }
}

fn grouping_of<'a>(key: SqlType, column: usize, name: &str, place: &'a Place, with_old: bool) -> Grouping<'a> {
    let format = FormatSpec::plain("KAFKA", false);
    let call = |name: &str, args: Vec<usize>, columns: &[SqlType]| {
        let call = Call { columns, literals: &[], limits: Limits::default() };
        let resolved = (Aggregates::with(&[]).get(name).unwrap().make)(&call);
        GroupCall { args, factory: resolved.unwrap_or_else(|problem| panic!("{problem}")).factory }
    };
    Grouping {
        step: "Aggregate",
        calls: vec![call("COUNT", vec![], &[]), call(name, vec![column], &[SqlType::Integer])],
        keys: KeyForm::new(&format, &[Column::new("ID", key)]),
        place,
        with_old,
        updates: Updates::Every,
    }
}

fn stream(name: &'static str, window: Option<Window>, with_old: bool) -> impl Fn(&Place) -> Box<dyn Operator> {
    move |place| Box::new(StreamAggregate::new(grouping(name, place, with_old), window).unwrap())
}

const SCHEMA: &str = "ID BIGINT KEY, V INT";

pub(in crate::operators) fn tumbling(size_ms: i64, grace_ms: i64, retention_ms: i64) -> Window {
    Window { retention_ms, ..Window::new(WindowKind::Tumbling, size_ms, grace_ms) }
}

pub(in crate::operators) fn hopping(size_ms: i64, advance_ms: i64, grace_ms: i64, retention_ms: i64) -> Window {
    Window { advance_ms, retention_ms, ..Window::new(WindowKind::Hopping, size_ms, grace_ms) }
}

pub(in crate::operators) fn session(gap_ms: i64, grace_ms: i64, retention_ms: i64) -> Window {
    Window { retention_ms, ..Window::new(WindowKind::Session, gap_ms, grace_ms) }
}

#[test]
fn every_row_of_a_stream_emits_its_group() {
    let make = stream("SUM", None, true);
    Harness { make: &make, schema: SCHEMA, is_table: false }.check(
        "@10 + 1 | 5
         @20 + 2 | 7
         @5 + 1 | null
         @30 + null | 1
         @40 - 1
         @30 + 1 | 2",
        "@10 + 1 | 1, 5
         @20 + 2 | 1, 7
         @10 + 1 | 2, 5 << 1, 5
         @30 + 1 | 3, 7 << 2, 5",
    );
}

#[test]
fn only_the_last_update_of_a_step_may_go_out() {
    let place = Place::memory();
    let mut aggregate =
        StreamAggregate::new(Grouping { updates: Updates::Last, ..grouping("SUM", &place, true) }, None).unwrap();
    let rows = Harness { make: &stream("SUM", None, false), schema: SCHEMA, is_table: false };
    let first = "@10 + 1 | 5\n@20 + 2 | 7\n@30 + 1 | 2";
    assert_eq!(rows.step(&mut aggregate, first), ["@20 + 2 | 1, 7", "@30 + 1 | 2, 7"]);
    assert_eq!(rows.step(&mut aggregate, "@40 + 1 | 1\n@50 + 1 | 1"), ["@50 + 1 | 4, 9 << 2, 7"]);
}

#[test]
fn tumbling_windows_drop_what_is_later_than_grace() {
    let windows = tumbling(30, 10, 40);
    Harness { make: &stream("MAX", Some(windows), false), schema: SCHEMA, is_table: false }.check(
        "@0 + 1 | 5
         @29 + 1 | 6
         @39 + 2 | 1
         @10 + 1 | 9
         @40 + 2 | 2
         @11 + 1 | 10
         @30 + 1 | 1",
        "@0 + 1 [0, 30) | 1, 5, 0, 30
         @29 + 1 [0, 30) | 2, 6, 0, 30
         @39 + 2 [30, 60) | 1, 1, 30, 60
         @29 + 1 [0, 30) | 3, 9, 0, 30
         @40 + 2 [30, 60) | 2, 2, 30, 60
         @30 + 1 [30, 60) | 1, 1, 30, 60",
    );
}

#[test]
fn hopping_windows_are_updated_from_the_earliest_on() {
    let windows = hopping(5, 2, 100, 105);
    Harness { make: &stream("MIN", Some(windows), true), schema: SCHEMA, is_table: false }.check(
        "@1 + 1 | 5
         @4 + 1 | 3",
        "@1 + 1 [0, 5) | 1, 5, 0, 5
         @4 + 1 [0, 5) | 2, 3, 0, 5 << 1, 5, 0, 5
         @4 + 1 [2, 7) | 1, 3, 2, 7
         @4 + 1 [4, 9) | 1, 3, 4, 9",
    );
}

#[test]
fn windows_past_retention_are_forgotten() {
    let windows = tumbling(10, 0, 10);
    let place = Place::memory();
    let mut aggregate = StreamAggregate::new(grouping("SUM", &place, false), Some(windows)).unwrap();
    let rows = Harness { make: &stream("SUM", None, false), schema: SCHEMA, is_table: false };
    let mut slots = 0;
    for minute in 0..100 {
        rows.step(&mut aggregate, &format!("@{} + 1 | 1", minute * 60_000));
        aggregate.drain_state(&mut crate::kv::Writes::default());
        aggregate.committed().unwrap();
        slots = aggregate.slots();
    }
    assert!(slots < 5, "{slots} slots for windows of which two can be alive");
}

fn sessions(name: &'static str, with_old: bool) -> impl Fn(&Place) -> Box<dyn Operator> {
    let sessions = session(10, 20, 30);
    move |place| Box::new(SessionAggregate::new(grouping(name, place, with_old), sessions).unwrap())
}

#[test]
fn sessions_that_touch_become_one() {
    Harness { make: &sessions("SUM", false), schema: SCHEMA, is_table: false }.check(
        "@0 + 1 | 1
         @15 + 1 | 2
         @15 + 1 | 4
         @7 + 1 | 8
         @40 + 2 | 1
         @10 + 1 | 16
         @60 + 2 | 1
         @5 + 1 | 32",
        "@0 + 1 [0, 0) | 1, 1, 0, 0
         @15 + 1 [15, 15) | 1, 2, 15, 15
         @15 + 1 [15, 15) | 2, 6, 15, 15
         @0 - 1 [0, 0)
         @15 - 1 [15, 15)
         @15 + 1 [0, 15) | 4, 15, 0, 15
         @40 + 2 [40, 40) | 1, 1, 40, 40
         @15 - 1 [0, 15)
         @15 + 1 [0, 15) | 5, 31, 0, 15
         @60 + 2 [60, 60) | 1, 1, 60, 60",
    );
}

#[test]
fn a_session_that_retention_has_overtaken_is_not_extended() {
    let sessions = session(10, 0, 10);
    let make = |place: &Place| -> Box<dyn Operator> {
        Box::new(SessionAggregate::new(grouping("SUM", place, false), sessions).unwrap())
    };
    Harness { make: &make, schema: SCHEMA, is_table: false }.check(
        "@12 + 1 | 1
         @23 + 1 | 2
         @21 + 1 | 4",
        "@12 + 1 [12, 12) | 1, 1, 12, 12
         @23 + 1 [23, 23) | 1, 2, 23, 23
         @23 - 1 [23, 23)
         @23 + 1 [21, 23) | 2, 6, 21, 23",
    );
}

#[test]
fn a_session_that_ends_says_what_it_was() {
    Harness { make: &sessions("EARLIEST_BY_OFFSET", true), schema: SCHEMA, is_table: false }.check(
        "@0 + 1 | 1
         @15 + 1 | 2
         @8 + 1 | 3
         @8 + 1 | 4",
        "@0 + 1 [0, 0) | 1, 1, 0, 0
         @15 + 1 [15, 15) | 1, 2, 15, 15
         @0 - 1 [0, 0) << 1, 1, 0, 0
         @15 - 1 [15, 15) << 1, 2, 15, 15
         @15 + 1 [0, 15) | 3, 1, 0, 15
         @15 - 1 [0, 15) << 3, 1, 0, 15
         @15 + 1 [0, 15) | 4, 1, 0, 15",
    );
}

/// Both halves, as in a task of one partition.
struct Both(GroupTable, AggregateTable);

impl Operator for Both {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let moved = self.0.run(inputs, ctx)?;
        self.1.run(vec![moved], ctx)
    }

    fn drain_state(&mut self, into: &mut crate::kv::Writes) {
        self.1.drain_state(into);
    }
}

#[test]
fn a_row_of_a_table_leaves_its_group_before_it_enters_another() {
    let make = |place: &Place| {
        let region = Typed { ty: SqlType::String, kind: Kind::Column(2) };
        let group = vec![compile(&region, &Registry::with(&[]), &Settings::default()).unwrap()];
        let aggregate = AggregateTable::new(grouping_of(SqlType::String, 2, "SUM", place, true)).unwrap();
        Box::new(Both(GroupTable::new("group", group), aggregate)) as Box<dyn Operator>
    };
    Harness { make: &make, schema: "ID BIGINT KEY, V INT, REGION STRING", is_table: true }.check(
        "@10 + 1 | 5, east
         @20 + 2 | 7, east
         @15 + 1 | 6, east
         @30 + 1 | 6, west
         @31 + 3 | 1, null
         @32 + 3 | 1, west
         @33 + 3 | 1, null
         @40 - 1
         @50 - 4",
        "@10 + east | 1, 5
         @20 + east | 2, 12 << 1, 5
         @20 + east | 2, 13 << 2, 12
         @30 + east | 1, 7 << 2, 13
         @30 + west | 1, 6
         @32 + west | 2, 7 << 1, 6
         @33 + west | 1, 6 << 2, 7
         @40 + west | 0, 0 << 1, 6",
    );
}

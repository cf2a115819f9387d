use super::{Aggregates, Call, Emit, Input, Limits, NONE, Op, States};
use crate::types::{SqlType, Value};

fn states(name: &str, columns: &[SqlType], literals: &[Value]) -> Box<dyn States> {
    let limits = Limits { collect_list: 3, collect_set: 3 };
    let resolved = (Aggregates::with(&[]).get(name).unwrap().make)(&Call { columns, literals, limits });
    let mut states = (resolved.unwrap_or_else(|problem| panic!("{problem}")).factory)();
    states.grow(3);
    states
}

const OP: Op = Op { slot: 0, merge: NONE, undo: NONE, add: NONE, emit: Emit::Result };

/// Results of adding `values` one after the other. The state is encoded and decoded before each.
fn adds(name: &str, ty: &SqlType, literals: &[Value], values: &[Value]) -> Vec<Value> {
    let ops: Vec<Op> = (0..values.len() as u32).map(|add| Op { add, ..OP }).collect();
    run(&mut *states(name, std::slice::from_ref(ty), literals), ty, values, &ops)
}

fn run(states: &mut dyn States, ty: &SqlType, values: &[Value], ops: &[Op]) -> Vec<Value> {
    let column = [Value::column(ty, values)];
    let mut results = Vec::new();
    for op in ops {
        for slot in 0..3 {
            let mut bytes = Vec::new();
            states.encode(slot, &mut bytes);
            states.clear(slot);
            let mut rest = bytes.as_slice();
            states.decode(slot, &mut rest).unwrap();
            assert!(rest.is_empty());
        }
        let input = Input { new: &column, old: Some(&column), with_before: false };
        let after = states.run(&[*op], input).unwrap().after;
        results.extend((0..after.len()).map(|row| Value::at(&after, row)));
    }
    results
}

fn ints(values: &[i32]) -> Vec<Value> {
    values.iter().map(|value| Value::Integer(*value)).collect()
}

fn doubles(values: &[f64]) -> Vec<Value> {
    values.iter().map(|value| Value::Double(*value)).collect()
}

fn list(values: &[i32]) -> Value {
    Value::Array(ints(values))
}

#[test]
fn numbers_are_added_as_java_adds_them() {
    let values = [Value::Null, Value::Integer(i32::MAX), Value::Integer(1)];
    assert_eq!(adds("SUM", &SqlType::Integer, &[], &values), ints(&[0, i32::MAX, i32::MIN]));
    assert_eq!(
        adds("AVG", &SqlType::Integer, &[], &values),
        doubles(&[0.0, f64::from(i32::MAX), f64::from(i32::MIN) / 2.0])
    );
    assert_eq!(
        adds("MAX", &SqlType::Integer, &[], &values),
        [Value::Null, Value::Integer(i32::MAX), Value::Integer(i32::MAX)]
    );
    let nan = doubles(&[1.0, f64::NAN, 2.0]);
    assert_eq!(adds("MAX", &SqlType::Double, &[], &nan), doubles(&[1.0, f64::NAN, f64::NAN]));
}

#[test]
fn a_decimal_sum_is_null_while_it_does_not_fit() {
    let ty = SqlType::Decimal { precision: 4, scale: 2 };
    let mut states = states("SUM", std::slice::from_ref(&ty), &[]);
    let values = [9999, 1, 1, -2].map(|value| Value::Decimal(value, 2));
    let column = [Value::column(&ty, &values)];
    let ops: Vec<Op> = (0..4).map(|add| Op { add, ..OP }).collect();
    let results = states.run(&ops, Input { new: &column, old: None, with_before: false }).unwrap();
    let sums: Vec<Value> = (0..4).map(|row| Value::at(&results.after, row)).collect();
    assert_eq!(sums, [Value::Decimal(9999, 2), Value::Null, Value::Null, Value::Decimal(9999, 2)]);
    assert_eq!(
        results.overflows,
        [
            "Numeric field overflow: A field with precision 4 and scale 2 must round to an absolute value less than 10^2. \
          Got 100.00"
        ]
    );
}

#[test]
fn what_128_bits_do_not_hold_is_never_a_sum_again() {
    let ty = SqlType::Decimal { precision: 38, scale: 0 };
    let most = 10_i128.pow(38) - 1;
    let values = [most, most, -most, -most].map(|value| Value::Decimal(value, 0));
    let sums = adds("SUM", &ty, &[], &values);
    assert_eq!(sums, [Value::Decimal(most, 0), Value::Null, Value::Null, Value::Null]);
}

#[test]
fn lists_are_summed_before_they_are_added() {
    let list = |values: &[f64]| Value::Array(doubles(values));
    let ty = SqlType::Double.array_of();
    let sums = adds("SUM_LIST", &ty, &[], &[list(&[178.25]), Value::Null, list(&[-200.25, 1.0, 5.7, -4.0])]);
    assert_eq!(sums, doubles(&[178.25, 178.25, -19.30000000000001]));
}

#[test]
fn the_spread_of_integers_wraps() {
    let values = ints(&[-7, 30, i32::MAX]);
    assert_eq!(
        adds("STDDEV_SAMP", &SqlType::Integer, &[], &values),
        doubles(&[0.0, 684.5, 6_148_914_655_445_123_000.0])
    );
}

#[test]
fn spread_and_its_square() {
    assert_eq!(adds("STDDEV_SAMP", &SqlType::Integer, &[], &ints(&[0, 10])), doubles(&[0.0, 50.0]));
    assert_eq!(adds("STDDEV_SAMPLE", &SqlType::Integer, &[], &ints(&[0, 10])), doubles(&[0.0, 50_f64.sqrt()]));
}

#[test]
fn first_and_last_in_order_of_arrival() {
    let nulls = [Value::Null, Value::Integer(1), Value::Null, Value::Integer(2)];
    let (n, keep) = (Value::Integer(2), Value::Boolean(false));
    let one = |values: [Option<i32>; 4]| values.map(|value| value.map_or(Value::Null, Value::Integer));
    assert_eq!(adds("LATEST_BY_OFFSET", &SqlType::Integer, &[], &nulls), one([None, Some(1), Some(1), Some(2)]));
    assert_eq!(
        adds("EARLIEST_BY_OFFSET", &SqlType::Integer, std::slice::from_ref(&keep), &nulls),
        one([None, None, None, None])
    );
    assert_eq!(
        adds("LATEST_BY_OFFSET", &SqlType::Integer, std::slice::from_ref(&n), &ints(&[1, 2, 3])),
        [list(&[1]), list(&[1, 2]), list(&[2, 3])]
    );
}

#[test]
fn merged_sessions_know_what_came_first() {
    // Slot 1 saw 10 first, slot 2 saw 20; then both are merged into slot 0, the later one first.
    let script = [
        Op { slot: 1, add: 0, ..OP },
        Op { slot: 2, add: 1, ..OP },
        Op { merge: 2, emit: Emit::Nothing, ..OP },
        Op { merge: 1, ..OP },
    ];
    let merged = |name: &str, literals: &[Value]| {
        let mut states = states(name, &[SqlType::Integer], literals);
        run(&mut *states, &SqlType::Integer, &ints(&[10, 20]), &script).pop().unwrap()
    };
    assert_eq!(merged("EARLIEST_BY_OFFSET", &[]), Value::Integer(10));
    assert_eq!(merged("LATEST_BY_OFFSET", &[]), Value::Integer(20));
    assert_eq!(merged("SUM", &[]), Value::Integer(30));
    assert_eq!(merged("COLLECT_LIST", &[]), list(&[20, 10]));
    assert_eq!(merged("COUNT_DISTINCT", &[]), Value::Bigint(2));
    assert_eq!(merged("TOPK", &[Value::Integer(1)]), list(&[20]));
}

#[test]
fn what_is_undone_leaves_no_trace() {
    let values = ints(&[7, 5, 7]);
    let script = [
        Op { add: 0, ..OP },
        Op { add: 1, ..OP },
        Op { add: 2, ..OP },
        Op { undo: 0, ..OP },
        Op { undo: 1, ..OP },
        Op { undo: 2, ..OP },
    ];
    let results = |name: &str| run(&mut *states(name, &[SqlType::Integer], &[]), &SqlType::Integer, &values, &script);
    assert_eq!(results("SUM"), ints(&[7, 12, 19, 12, 7, 0]));
    let attr = [Some(7), None, None, None, Some(7), None];
    assert_eq!(results("ATTR"), attr.map(|value| value.map_or(Value::Null, Value::Integer)));
    let lists: [&[i32]; 6] = [&[7], &[7, 5], &[7, 5, 7], &[7, 5], &[7], &[]];
    assert_eq!(results("COLLECT_LIST"), lists.map(list));
    assert_eq!(results("STDDEV_SAMP").pop(), Some(Value::Double(0.0)));
}

#[test]
fn collections_stop_at_their_limit() {
    let values = ints(&[1, 1, 2, 3, 4]);
    assert_eq!(adds("COLLECT_LIST", &SqlType::Integer, &[], &values).pop(), Some(list(&[1, 1, 2])));
    assert_eq!(adds("COLLECT_SET", &SqlType::Integer, &[], &values).pop(), Some(list(&[1, 2, 3])));
}

#[test]
fn the_greatest_come_first() {
    let values = [ints(&[3, 1]), vec![Value::Null], ints(&[3, 2])].concat();
    let k = [Value::Integer(3)];
    assert_eq!(adds("TOPK", &SqlType::Integer, &k, &values).pop(), Some(list(&[3, 3, 2])));
    assert_eq!(adds("TOPKDISTINCT", &SqlType::Integer, &k, &values).pop(), Some(list(&[3, 2, 1])));
}

#[test]
fn many_distinct_values_are_estimated() {
    let values: Vec<Value> = (0..20_000).map(Value::Integer).collect();
    let column = [Value::column(&SqlType::Integer, &values)];
    let mut states = states("COUNT_DISTINCT", &[SqlType::Integer], &[]);
    let ops: Vec<Op> = (0..20_000).map(|add| Op { add, ..OP }).collect();
    let after = states.run(&ops, Input { new: &column, old: None, with_before: false }).unwrap().after;
    assert_eq!(Value::at(&after, 999), Value::Bigint(1000));
    let Value::Bigint(last) = Value::at(&after, 19_999) else { panic!("COUNT_DISTINCT is a BIGINT") };
    assert!((19_400..20_600).contains(&last), "{last}");
}

//! TEST_UDAF and the aggregates that show where variadic and literal parameters may stand

use arrow::array::{Array, ArrayRef};

use engine::expr::Function;
use engine::expr::aggregates::{self, Aggregate, AggregateError, Call, Resolved};
use engine::expr::functions::{Run, Variation};
use engine::types::row::{BadRow, get_value, put_value};
use engine::types::{ColumnBuilder, SqlType, Value};

const fn v(signature: &'static str) -> Variation {
    Variation::new(signature, Run::Elsewhere)
}

/// What calls may look like.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::aggregate(
        "TEST_UDAF",
        &[
            v("(BIGINT val1) BIGINT"),
            v("(INT val1) BIGINT"),
            v("(DOUBLE val1) DOUBLE"),
            v("(VARCHAR val1, VARCHAR init) BIGINT"),
            v("(STRUCT<A INT, B INT> val1) STRUCT<A INT, B INT>"),
        ],
    ),
    Function::aggregate("MULTI_ARG", &[v("(BIGINT val1, VARCHAR val2, INT init1, VARCHAR... inits) BIGINT")]),
    Function::aggregate(
        "FOUR_ARG",
        &[v("(BIGINT val1, VARCHAR val2, VARCHAR val3, VARCHAR val4, INT init1, VARCHAR... inits) BIGINT")],
    ),
    Function::aggregate(
        "FIVE_ARG",
        &[v("(BIGINT val1, VARCHAR val2, VARCHAR val3, VARCHAR val4, INT val5, INT init1, VARCHAR... inits) BIGINT")],
    ),
    Function::aggregate("VAR_ARG", &[v("(BIGINT val1, VARCHAR... vals) BIGINT")]),
    Function::aggregate("MID_VAR_ARG", &[v("(BIGINT val1, VARCHAR... vals, INT init1, INT init2) BIGINT")]),
    Function::aggregate("GENERIC_VAR_ARG", &[v("(A val1, B val2, C... vals) ARRAY<A>")]),
    Function::aggregate("OBJ_COL_ARG", &[v("(INT val1, ANY... vals) ARRAY<INT>")]),
];

/// How they run.
pub(super) static AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "TEST_UDAF",
        undoable: true,
        literals: |args| args.saturating_sub(1),
        make: |call| match call.columns.first() {
            Some(ty @ (SqlType::Double | SqlType::Struct(_))) => Ok(sum(ty.clone(), zero(ty), Value::Null)),
            _ => lengths(call),
        },
    },
    Aggregate { name: "MULTI_ARG", undoable: true, literals: |args| args.saturating_sub(2), make: lengths },
    Aggregate { name: "FOUR_ARG", undoable: true, literals: |args| args.saturating_sub(4), make: lengths },
    Aggregate { name: "FIVE_ARG", undoable: true, literals: |args| args.saturating_sub(5), make: lengths },
    Aggregate { name: "VAR_ARG", undoable: true, literals: |_| 0, make: lengths },
    Aggregate {
        name: "MID_VAR_ARG",
        undoable: true,
        literals: |_| 2,
        make: |call| {
            let at_end = Value::Bigint(call.literals.iter().map(measure).sum());
            Ok(sum(SqlType::Bigint, Value::Bigint(0), at_end))
        },
    },
    Aggregate { name: "GENERIC_VAR_ARG", undoable: false, literals: |_| 0, make: list },
    Aggregate { name: "OBJ_COL_ARG", undoable: false, literals: |_| 0, make: list },
];

/// The sum of numbers and of the lengths of texts, from what the literals amount to.
fn lengths(call: &Call<'_>) -> Result<Resolved, String> {
    let init = call.literals.iter().map(measure).sum();
    Ok(sum(SqlType::Bigint, Value::Bigint(init), Value::Null))
}

fn sum(ty: SqlType, init: Value, at_end: Value) -> Resolved {
    Resolved::new(ty.clone(), ty.clone(), move || Fold {
        ty: ty.clone(),
        init: init.clone(),
        add: |state, row| row.iter().fold(state, |state, value| plus(&state, value, 1)),
        undo: |state, row| row.iter().fold(state, |state, value| plus(&state, value, -1)),
        merge: |into, from| plus(&into, from, 1),
        at_end: at_end.clone(),
    })
}

/// The first arguments of rows without NULL.
fn list(call: &Call<'_>) -> Result<Resolved, String> {
    let ty = call.columns.first().cloned().ok_or("an argument is missing")?.array_of();
    Ok(Resolved::new(ty.clone(), ty.clone(), move || Fold {
        ty: ty.clone(),
        init: Value::Array(Vec::new()),
        add: |state, row| match row {
            [first, ..] if row.iter().all(|value| !value.is_null()) => joined(state, std::slice::from_ref(first)),
            _ => state,
        },
        undo: |state, _| state,
        merge: |into, from| if let Value::Array(items) = from { joined(into, items) } else { into },
        at_end: Value::Null,
    }))
}

fn joined(list: Value, items: &[Value]) -> Value {
    if let Value::Array(list) = list { Value::Array([&list, items].concat()) } else { list }
}

/// What an argument adds to a BIGINT: itself, or its length; NULL nothing.
fn measure(value: &Value) -> i64 {
    match value {
        Value::Integer(n) => (*n).into(),
        Value::Bigint(n) => *n,
        Value::String(text) => text.chars().count() as i64,
        _ => 0,
    }
}

/// A sum of nothing.
fn zero(ty: &SqlType) -> Value {
    match ty {
        SqlType::Double => Value::Double(0.0),
        SqlType::Struct(fields) => Value::Struct(vec![Value::Integer(0); fields.len()]),
        _ => Value::Bigint(0),
    }
}

/// `state + sign · value`
fn plus(state: &Value, value: &Value, sign: i32) -> Value {
    match (state, value) {
        (Value::Bigint(state), value) => Value::Bigint(state + i64::from(sign) * measure(value)),
        (Value::Integer(state), Value::Integer(value)) => Value::Integer(state + sign * value),
        (Value::Double(state), Value::Double(value)) => Value::Double(state + f64::from(sign) * value),
        (Value::Struct(state), Value::Struct(value)) => {
            Value::Struct(state.iter().zip(value).map(|(state, value)| plus(state, value, sign)).collect())
        }
        _ => state.clone(),
    }
}

/// An aggregate whose state is a value of its result type.
struct Fold {
    ty: SqlType,
    init: Value,
    add: fn(Value, &[Value]) -> Value,
    undo: fn(Value, &[Value]) -> Value,
    merge: fn(Value, &Value) -> Value,
    /// Added to a sum when it is shown.
    at_end: Value,
}

impl aggregates::Function for Fold {
    type State = Value;
    type Args<'a> = &'a [ArrayRef];
    type Out = ColumnBuilder;

    fn init(&self) -> Value {
        self.init.clone()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<&'a [ArrayRef], AggregateError> {
        Ok(columns)
    }

    fn add(&self, state: &mut Value, args: &&[ArrayRef], row: usize) -> Result<(), AggregateError> {
        *state = (self.add)(std::mem::take(state), &values(args, row));
        Ok(())
    }

    fn undo(&self, state: &mut Value, args: &&[ArrayRef], row: usize) -> Result<(), AggregateError> {
        *state = (self.undo)(std::mem::take(state), &values(args, row));
        Ok(())
    }

    fn merge(&self, into: &mut Value, from: &Value) -> Result<(), AggregateError> {
        *into = (self.merge)(std::mem::take(into), from);
        Ok(())
    }

    fn output(&self) -> ColumnBuilder {
        ColumnBuilder::new(&self.ty)
    }

    fn result(&self, state: &Value, out: &mut ColumnBuilder) {
        out.push(&plus(state, &self.at_end, 1));
    }

    fn encode(&self, state: &Value, into: &mut Vec<u8>) {
        put_value(state, into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<Value, BadRow> {
        get_value(bytes)
    }
}

/// The arguments in a row.
fn values(args: &[ArrayRef], row: usize) -> Vec<Value> {
    args.iter().map(|column| Value::at(&**column as &dyn Array, row)).collect()
}

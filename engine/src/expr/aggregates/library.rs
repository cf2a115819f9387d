//! The product's aggregate functions: which code runs a call.

use std::marker::PhantomData;

use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType,
};

use super::aggregate::{Aggregate, Call, Resolved};
use super::attr::Attr;
use super::collect::{CollectList, CollectSet};
use super::count::Count;
use super::distinct::CountDistinct;
use super::extremes::{End, Extreme, ExtremeValue};
use super::histogram::Histogram;
use super::offset::{ByOffset, Side};
use super::statistics::{Average, Correlation, Deviation};
use super::sum::{Sum, SumList};
use super::topk::TopK;
use crate::types::{SqlType, Value};

/// All of them.
pub(super) static AGGREGATES: &[Aggregate] = &[
    plain("ATTR", true, attr),
    plain("AVG", true, average),
    plain("COLLECT_LIST", true, |call| {
        let (ty, limit) = (column(call)?, call.limits.collect_list);
        let list = ty.clone().array_of();
        Ok(Resolved::new(list.clone(), list, move || CollectList { ty: ty.clone(), limit }))
    }),
    plain("COLLECT_SET", false, |call| {
        let (ty, limit) = (column(call)?, call.limits.collect_set);
        let list = ty.clone().array_of();
        Ok(Resolved::new(list.clone(), list, move || CollectSet { ty: ty.clone(), limit }))
    }),
    plain("CORRELATION", true, |_| {
        let sums = ["X_SUM", "Y_SUM", "XX_SUM", "YY_SUM", "XY_SUM"].map(|name| (name.to_owned(), SqlType::Double));
        Ok(Resolved::new(SqlType::Double, SqlType::Struct(sums.to_vec()), || Correlation))
    }),
    plain("COUNT", true, |_| Ok(Resolved::new(SqlType::Bigint, SqlType::Bigint, || Count))),
    plain("COUNT_DISTINCT", false, |_| {
        Ok(Resolved::new(SqlType::Bigint, SqlType::Integer.array_of(), || CountDistinct))
    }),
    Aggregate {
        name: "EARLIEST_BY_OFFSET",
        undoable: false,
        literals: all_but_one,
        make: |call| by_offset(call, Side::Earliest, "earliestN"),
    },
    plain("HISTOGRAM", true, |_| {
        let map = SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Bigint));
        Ok(Resolved::new(map.clone(), map, || Histogram))
    }),
    Aggregate {
        name: "LATEST_BY_OFFSET",
        undoable: false,
        literals: all_but_one,
        make: |call| by_offset(call, Side::Latest, "latestN"),
    },
    plain("MAX", false, |call| extreme(call, End::Max)),
    plain("MIN", false, |call| extreme(call, End::Min)),
    plain("STDDEV_SAMP", true, |call| deviation(call, false)),
    plain("STDDEV_SAMPLE", true, |call| deviation(call, true)),
    plain("SUM", true, sum),
    plain("SUM_LIST", true, sum_list),
    Aggregate { name: "TOPK", undoable: false, literals: |_| 1, make: |call| top(call, false) },
    Aggregate { name: "TOPKDISTINCT", undoable: false, literals: |_| 1, make: |call| top(call, true) },
];

type Make = fn(&Call<'_>) -> Result<Resolved, String>;

/// A function without literal arguments.
const fn plain(name: &'static str, undoable: bool, make: Make) -> Aggregate {
    Aggregate { name, undoable, literals: |_| 0, make }
}

fn all_but_one(args: usize) -> usize {
    args.saturating_sub(1)
}

/// Type of the only column.
fn column(call: &Call<'_>) -> Result<SqlType, String> {
    call.columns.first().cloned().ok_or_else(|| "an argument is missing".to_owned())
}

fn unfit(ty: &SqlType) -> String {
    format!("an argument of type {ty} cannot be aggregated")
}

/// `STRUCT<name type, …>`
fn structure(fields: &[(&str, SqlType)]) -> SqlType {
    SqlType::Struct(fields.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect())
}

fn attr(call: &Call<'_>) -> Result<Resolved, String> {
    let ty = column(call)?;
    let kept = structure(&[("VALUE", ty.clone()), ("COUNT", SqlType::Integer)]).array_of();
    Ok(Resolved::new(ty.clone(), kept, move || Attr { ty: ty.clone() }))
}

fn average(call: &Call<'_>) -> Result<Resolved, String> {
    let ty = column(call)?;
    let kept = structure(&[("SUM", ty.clone()), ("COUNT", SqlType::Bigint)]);
    Ok(match ty {
        SqlType::Integer => Resolved::new(SqlType::Double, kept, || Average::<Int32Type>(PhantomData)),
        SqlType::Bigint => Resolved::new(SqlType::Double, kept, || Average::<Int64Type>(PhantomData)),
        SqlType::Double => Resolved::new(SqlType::Double, kept, || Average::<Float64Type>(PhantomData)),
        other => return Err(unfit(&other)),
    })
}

fn deviation(call: &Call<'_>, root: bool) -> Result<Resolved, String> {
    let ty = column(call)?;
    let kept = structure(&[("COUNT", SqlType::Bigint), ("SUM", ty.clone()), ("M2", SqlType::Double)]);
    Ok(match ty {
        SqlType::Integer => Resolved::new(SqlType::Double, kept, move || Deviation::<Int32Type>::new(root)),
        SqlType::Bigint => Resolved::new(SqlType::Double, kept, move || Deviation::<Int64Type>::new(root)),
        SqlType::Double => Resolved::new(SqlType::Double, kept, move || Deviation::<Float64Type>::new(root)),
        other => return Err(unfit(&other)),
    })
}

fn by_offset(call: &Call<'_>, side: Side, parameter: &str) -> Result<Resolved, String> {
    let ty = column(call)?;
    let (mut n, mut ignore_nulls) = (None, true);
    for literal in call.literals {
        match literal {
            Value::Boolean(ignore) => ignore_nulls = *ignore,
            Value::Integer(count) if *count >= 1 => n = usize::try_from(*count).ok(),
            Value::Integer(_) => return Err(format!("{parameter} must be 1 or greater")),
            _ => return Err(format!("{parameter} must be an INTEGER")),
        }
    }
    let entry = structure(&[("SEQ", SqlType::Bigint), ("VAL", ty.clone())]);
    let (returns, kept) = if n.is_some() { (ty.clone().array_of(), entry.array_of()) } else { (ty.clone(), entry) };
    Ok(Resolved::new(returns, kept, move || ByOffset::new(side, ty.clone(), n, ignore_nulls)))
}

fn extreme(call: &Call<'_>, end: End) -> Result<Resolved, String> {
    let ty = column(call)?;
    let arrow = ty.to_arrow();
    let (returns, kept) = (ty.clone(), ty.clone());
    Ok(match ty {
        SqlType::Integer => Resolved::new(returns, kept, move || Extreme::<Int32Type>::new(end, arrow.clone())),
        SqlType::Bigint => Resolved::new(returns, kept, move || Extreme::<Int64Type>::new(end, arrow.clone())),
        SqlType::Double => Resolved::new(returns, kept, move || Extreme::<Float64Type>::new(end, arrow.clone())),
        SqlType::Decimal { .. } => {
            Resolved::new(returns, kept, move || Extreme::<Decimal128Type>::new(end, arrow.clone()))
        }
        SqlType::Date => Resolved::new(returns, kept, move || Extreme::<Date32Type>::new(end, arrow.clone())),
        SqlType::Time => {
            Resolved::new(returns, kept, move || Extreme::<Time32MillisecondType>::new(end, arrow.clone()))
        }
        SqlType::Timestamp => {
            Resolved::new(returns, kept, move || Extreme::<TimestampMillisecondType>::new(end, arrow.clone()))
        }
        SqlType::String | SqlType::Bytes => Resolved::new(returns, kept, move || ExtremeValue { end, ty: ty.clone() }),
        other => return Err(unfit(&other)),
    })
}

fn sum(call: &Call<'_>) -> Result<Resolved, String> {
    let ty = column(call)?;
    let arrow = ty.to_arrow();
    let (returns, kept) = (ty.clone(), ty.clone());
    Ok(match ty {
        SqlType::Integer => Resolved::new(returns, kept, move || Sum::<Int32Type>::new(arrow.clone())),
        SqlType::Bigint => Resolved::new(returns, kept, move || Sum::<Int64Type>::new(arrow.clone())),
        SqlType::Double => Resolved::new(returns, kept, move || Sum::<Float64Type>::new(arrow.clone())),
        SqlType::Decimal { .. } => Resolved::new(returns, kept, move || Sum::<Decimal128Type>::new(arrow.clone())),
        other => return Err(unfit(&other)),
    })
}

fn sum_list(call: &Call<'_>) -> Result<Resolved, String> {
    let SqlType::Array(item) = column(call)? else { return Err(unfit(&column(call)?)) };
    let (arrow, returns, kept) = (item.to_arrow(), (*item).clone(), (*item).clone());
    Ok(match *item {
        SqlType::Integer => Resolved::new(returns, kept, move || SumList::<Int32Type>::new(arrow.clone())),
        SqlType::Bigint => Resolved::new(returns, kept, move || SumList::<Int64Type>::new(arrow.clone())),
        SqlType::Double => Resolved::new(returns, kept, move || SumList::<Float64Type>::new(arrow.clone())),
        other => return Err(unfit(&other)),
    })
}

fn top(call: &Call<'_>, distinct: bool) -> Result<Resolved, String> {
    let k = match call.literals {
        [Value::Integer(k)] if *k >= 1 => usize::try_from(*k).map_err(|e| e.to_string())?,
        _ => return Err("k must be 1 or greater".to_owned()),
    };
    let sorted = column(call)?;
    let entry = if call.columns.len() > 1 {
        let others = call.columns.iter().skip(1).enumerate().map(|(i, ty)| (format!("col{i}"), ty.clone()));
        SqlType::Struct(std::iter::once(("sort_col".to_owned(), sorted)).chain(others).collect())
    } else {
        sorted
    };
    let ty = entry.array_of();
    Ok(Resolved::new(ty.clone(), ty.clone(), move || TopK { ty: ty.clone(), k, distinct }))
}

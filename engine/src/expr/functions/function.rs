//! What a function is.

use arrow::array::{ArrayRef, new_null_array};
use arrow::error::ArrowError;

use super::super::arg::Arg;
use super::super::cast::{Settings, check_bytes};
use super::super::failures::Failures;
use crate::types::SqlType;

/// A function of any kind: what SHOW and DESCRIBE FUNCTION tell, and how each variation runs.
#[derive(Debug)]
pub struct Function {
    /// Upper-case name.
    pub name: &'static str,
    /// As error texts spell it (`Abs`, `len`, `ARRAY_LENGTH`).
    pub spelled: &'static str,
    /// SCALAR, AGGREGATE or TABLE.
    pub kind: FunctionKind,
    /// Group in SHOW FUNCTIONS.
    pub category: Category,
    /// Author in DESCRIBE FUNCTION, may be empty.
    pub author: &'static str,
    /// What it does.
    pub description: &'static str,
    /// An expression without columns and the text of its result; a test runs it. Empty when it has none.
    pub example: (&'static str, &'static str),
    /// Overloads.
    pub variations: &'static [Variation],
}

/// One overload.
#[derive(Debug)]
pub struct Variation {
    /// `(VARCHAR str, INT... positions) ARRAY<T>`; see [`super::Signature`] for the language.
    pub signature: &'static str,
    /// What this overload does, may be empty.
    pub description: &'static str,
    /// What each parameter means; missing ones are empty.
    pub docs: &'static [&'static str],
    /// Result type where the signature alone does not say it (scales of DECIMAL), from the argument types.
    pub returns: Option<fn(&[SqlType]) -> SqlType>,
    /// How it runs.
    pub run: Run,
}

/// Kind of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// One value for each row.
    Scalar,
    /// One value for each group.
    Aggregate,
    /// Any number of rows for each row.
    Table,
}

impl FunctionKind {
    /// As SHOW FUNCTIONS prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "SCALAR",
            Self::Aggregate => "AGGREGATE",
            Self::Table => "TABLE",
        }
    }
}

/// Group of functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "`name` has the words that users know them by")]
pub enum Category {
    Aggregate,
    Array,
    Conditional,
    Conversions,
    DateTime,
    Json,
    Lambda,
    Map,
    Mathematical,
    Other,
    RegularExpression,
    String,
    Table,
    Url,
}

impl Category {
    /// As the REST answer of LIST FUNCTIONS prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aggregate => "AGGREGATE",
            Self::Array => "ARRAY",
            Self::Conditional => "CONDITIONAL",
            Self::Conversions => "CONVERSIONS",
            Self::DateTime => "DATE / TIME",
            Self::Json => "JSON",
            Self::Lambda => "LAMBDA",
            Self::Map => "MAP",
            Self::Mathematical => "MATHEMATICAL",
            Self::Other => "OTHER",
            Self::RegularExpression => "REGULAR EXPRESSION",
            Self::String => "STRING",
            Self::Table => "TABLE",
            Self::Url => "URL",
        }
    }
}

/// How a variation runs.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// Over whole columns; sees NULLs.
    Batch(Kernel),
    /// Takes lambdas.
    Lambda(LambdaKind),
    /// Not by an expression: aggregates.
    Elsewhere,
}

/// Code over columns. An `Err` fails every row; rows fail one by one through [`Batch::fail`].
pub type Kernel = fn(&Batch<'_>) -> Result<ArrayRef, ArrowError>;

/// The functions that take lambdas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LambdaKind {
    /// `TRANSFORM`
    Transform,
    /// `FILTER`
    Filter,
    /// `REDUCE`
    Reduce,
}

/// What code may know besides values.
#[derive(Debug)]
pub struct Context<'a> {
    /// Types of the arguments as passed.
    pub types: &'a [SqlType],
    /// Type of the result.
    pub returns: &'a SqlType,
    /// Settings of the session.
    pub settings: &'a Settings,
}

/// Arguments of one call over a batch.
pub struct Batch<'a> {
    /// Upper-case name of the function.
    pub name: &'static str,
    /// Arguments; constants are columns of one row.
    pub args: &'a [Arg],
    /// Number of rows.
    pub len: usize,
    /// Types and settings.
    pub context: &'a Context<'a>,
    pub(in super::super) failures: &'a Failures<'a>,
}

impl Batch<'_> {
    /// The expression failed for that row: it becomes NULL, the message goes to the processing log, after the function's
    /// name.
    pub fn fail(&self, row: usize, message: impl FnOnce() -> String) {
        self.failures.fail(row, || format!("{}: {}", self.name, message()));
    }

    /// Whether a value may have so many bytes: what makes much of little asks before it does.
    ///
    /// # Errors
    /// The text for the processing log.
    pub fn check_bytes(&self, bytes: usize) -> Result<(), String> {
        check_bytes(bytes, self.context.settings.value_bytes)
    }

    /// Argument `i` as a column of `len` rows.
    ///
    /// # Errors
    /// As [`Batch::arg`].
    pub fn column(&self, i: usize) -> Result<ArrayRef, ArrowError> {
        self.arg(i)?.expand(self.len)
    }

    /// A result that is NULL in every row.
    pub fn nulls(&self) -> ArrayRef {
        new_null_array(&self.context.returns.to_arrow(), self.len)
    }

    /// Argument `i`.
    ///
    /// # Errors
    /// The call has no such argument.
    pub fn arg(&self, i: usize) -> Result<&Arg, ArrowError> {
        self.args.get(i).ok_or_else(|| ArrowError::InvalidArgumentError(format!("there is no argument {i}")))
    }
}

impl Function {
    /// A scalar function without texts; see the methods.
    pub const fn scalar(name: &'static str, category: Category, variations: &'static [Variation]) -> Self {
        Self {
            name,
            spelled: name,
            kind: FunctionKind::Scalar,
            category,
            author: "Confluent",
            description: "",
            example: ("", ""),
            variations,
        }
    }

    /// A table function. Its signatures say what one row is; the code yields the ARRAY of all rows.
    pub const fn table(name: &'static str, variations: &'static [Variation]) -> Self {
        let mut function = Self::scalar(name, Category::Table, variations);
        function.kind = FunctionKind::Table;
        function
    }

    /// An aggregate.
    pub const fn aggregate(name: &'static str, variations: &'static [Variation]) -> Self {
        let mut function = Self::scalar(name, Category::Aggregate, variations);
        function.kind = FunctionKind::Aggregate;
        function
    }

    /// How error texts spell it, if not in upper case.
    #[must_use]
    pub const fn spelled(mut self, spelled: &'static str) -> Self {
        self.spelled = spelled;
        self
    }

    /// What it does.
    #[must_use]
    pub const fn says(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Author, if it is not the usual one.
    #[must_use]
    pub const fn by(mut self, author: &'static str) -> Self {
        self.author = author;
        self
    }

    /// An expression and the text of its result.
    #[must_use]
    pub const fn example(mut self, expression: &'static str, result: &'static str) -> Self {
        self.example = (expression, result);
        self
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Variation {
    /// An overload that runs over whole columns.
    pub const fn batch(signature: &'static str, kernel: Kernel) -> Self {
        Self::new(signature, Run::Batch(kernel))
    }

    /// An overload.
    pub const fn new(signature: &'static str, run: Run) -> Self {
        Self { signature, description: "", docs: &[], returns: None, run }
    }

    /// What this overload does, and what its parameters mean.
    #[must_use]
    pub const fn says(mut self, description: &'static str, docs: &'static [&'static str]) -> Self {
        self.description = description;
        self.docs = docs;
        self
    }

    /// Its result type as a function of the argument types.
    #[must_use]
    pub const fn returns(mut self, returns: fn(&[SqlType]) -> SqlType) -> Self {
        self.returns = Some(returns);
        self
    }
}

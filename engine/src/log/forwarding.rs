//! A log, or a database, that stands before another one and hands on every call that it does not change: what tests put
//! before the real thing to make it fail, or to hold something back. A call that is added to [`Log`] or [`Kv`] is added
//! here once, and no double needs to know of it.

use std::ops::Bound;
use std::sync::Arc;

use crate::kv::{self, Kv, Writes};
use crate::log::{
    Bounds, Commit, Log, Output, Position, Reader, Result, Signal, SoleWriter, Topic, TopicPartition, TopicSpec,
};

/// Makes a trait whose calls go to what stands behind, and the trait `$of` of it.
macro_rules! forwarding {
    ($(#[$about:meta])* $name:ident: $of:ident { $(fn $call:ident(&self $(, $arg:ident: $ty:ty)*) -> $answer:ty;)* }) => {
        $(#[$about])*
        #[allow(missing_docs, clippy::missing_errors_doc, reason = "they stand with the trait that is forwarded")]
        pub trait $name: Send + Sync + 'static {
            /// What stands behind it.
            fn inner(&self) -> &Arc<dyn $of>;
            $(fn $call(&self $(, $arg: $ty)*) -> $answer {
                self.inner().$call($($arg),*)
            })*
        }

        impl<T: $name> $of for T {
            $(fn $call(&self $(, $arg: $ty)*) -> $answer {
                $name::$call(self $(, $arg)*)
            })*
        }
    };
}

forwarding! {
    /// A [`Log`] before another.
    ForwardingLog: Log {
        fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()>;
        fn delete_topic(&self, name: &str) -> Result<()>;
        fn topic(&self, name: &str) -> Result<Option<Topic>>;
        fn topics(&self) -> Result<Vec<Topic>>;
        fn knows_all_topics(&self) -> bool;
        fn bounds(&self, of: &TopicPartition) -> Result<Bounds>;
        fn is_settled(&self, of: &TopicPartition) -> Result<bool>;
        fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>>;
        fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>>;
        fn commit(&self, commit: Commit) -> Result<()>;
        fn is_atomic(&self) -> bool;
        fn delete_records(&self, before: &[Position]) -> Result<()>;
        fn positions(&self, group: &str) -> Result<Vec<Position>>;
        fn has_members(&self, group: &str) -> Result<bool>;
        fn delete_group(&self, group: &str) -> Result<()>;
        fn sole_writer(&self, of: &TopicPartition, id: &str) -> Option<Box<dyn SoleWriter>>;
        fn check_writable(&self) -> Result<()>;
        fn close(&self) -> Result<()>;
        fn kv(&self) -> &Arc<dyn Kv>;
        fn max_record_bytes(&self) -> usize;
    }
}

forwarding! {
    /// A [`Kv`] before another.
    ForwardingKv: Kv {
        fn get(&self, space: &str, key: &[u8]) -> kv::Result<Option<Vec<u8>>>;
        fn scan(
            &self,
            space: &str,
            from: Bound<&[u8]>,
            to: Bound<&[u8]>,
            each: &mut dyn FnMut(&[u8], &[u8]) -> bool
        ) -> kv::Result<()>;
        fn write(&self, writes: Writes) -> kv::Result<()>;
        fn check(&self, writes: &Writes) -> kv::Result<()>;
        fn recover(&self) -> kv::Result<()>;
        fn drop_spaces(&self, prefix: &str) -> kv::Result<()>;
    }
}

//! Panics of the database on files it cannot make sense of.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::thread;

thread_local! {
    /// While this thread is in [`quietly`]: what to say if it panics once more while it unwinds.
    static LAST_WORDS: RefCell<Option<(String, bool)>> = const { RefCell::new(None) };
}

/// Calls what may panic, without the panic's message: whoever calls this has a better one. What panics once more while it
/// unwinds would abort the process; it says `last_words` instead and exits.
pub(super) fn quietly<T>(last_words: String, call: impl FnOnce() -> T) -> thread::Result<T> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            let is_quiet = LAST_WORDS.with_borrow_mut(|quiet| match quiet {
                Some((last_words, true)) => {
                    eprintln!("{last_words}");
                    std::process::exit(1);
                }
                Some((_, is_unwinding)) => {
                    *is_unwinding = true;
                    true
                }
                None => false,
            });
            if !is_quiet {
                others(panic);
            }
        }));
    });
    LAST_WORDS.set(Some((last_words, false)));
    let called = catch_unwind(AssertUnwindSafe(call));
    LAST_WORDS.set(None);
    called
}

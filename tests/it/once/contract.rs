//! The promises of every store of handled messages. The tests of each store run all of them.

use std::time::Duration;

use futures_util::future::join_all;
use tower_hmac::KeyId;
use tower_hmac::once::{Acquired, Lease, OnceKey, OnceRequest, OnceStore};

pub const LEASE: Duration = Duration::from_secs(300);

/// A store under test, and its time.
pub trait Subject {
    fn store(&self) -> &dyn OnceStore;

    /// The time in Unix seconds.
    fn now(&self) -> i64;

    /// Lets this many seconds pass.
    fn pass(&mut self, seconds: i64);
}

/// Runs each test over the subject of an expression; `None` skips it.
#[macro_export]
macro_rules! once_contract {
    ($subject:expr; $($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            if let Some(subject) = $subject {
                contract::$name(subject).await;
            }
        })*
    };
    ($subject:expr) => {
        $crate::once_contract! { $subject;
            a_message_that_is_being_handled_is_not_given_to_another
            a_message_that_was_handled_is_done_until_its_retention_is_over
            a_message_that_was_given_back_is_new_at_once
            a_lease_that_has_run_out_is_taken_over_and_its_former_owner_changes_nothing
            a_slow_owner_whom_nobody_replaced_completes
            a_former_owner_completes_after_the_next_one_failed
            a_repeated_completion_is_still_the_owners
            of_two_callers_at_the_same_moment_one_wins
            two_callers_with_the_same_id_do_not_meet
        }
    };
}

fn key(caller: Option<&KeyId>, message_id: &str) -> OnceKey {
    OnceKey::new("standard-webhooks", caller, message_id)
}

async fn acquire(subject: &impl Subject, message_id: &str) -> Acquired {
    let request = OnceRequest::new(key(None, message_id), None, LEASE, subject.now());
    subject.store().acquire(&request).await.unwrap()
}

async fn acquire_by(subject: &impl Subject, caller: &str, message_id: &str) -> Acquired {
    let caller = KeyId::new(caller).unwrap();
    let key = key(Some(&caller), message_id);
    let request = OnceRequest::new(key, Some(&caller), LEASE, subject.now());
    subject.store().acquire(&request).await.unwrap()
}

/// Completes the message for 1,000 seconds.
async fn complete(subject: &impl Subject, lease: &Lease) -> bool {
    let now = subject.now();
    subject.store().complete(lease, now + 1000, now).await.unwrap()
}

async fn release(subject: &impl Subject, lease: &Lease) -> bool {
    subject.store().release(lease).await.unwrap()
}

#[track_caller]
fn lease(acquired: Acquired) -> Lease {
    match acquired {
        Acquired::New(lease) => lease,
        other => panic!("no lease: {other:?}"),
    }
}

/// Checks that the message stays claimed for about this many more seconds.
#[track_caller]
fn runs(acquired: &Acquired, seconds: u64) {
    let Acquired::Running { retry_after } = acquired else { panic!("{acquired:?}") };
    // A store that knows only whole seconds adds one.
    let most = Duration::from_secs(seconds + 1);
    assert!(
        *retry_after <= most && *retry_after + Duration::from_secs(5) > most,
        "{retry_after:?}"
    );
}

pub async fn a_message_that_is_being_handled_is_not_given_to_another(mut subject: impl Subject) {
    let _lease = lease(acquire(&subject, "a").await);
    runs(&acquire(&subject, "a").await, 300);
    subject.pass(290);
    runs(&acquire(&subject, "a").await, 10);
    lease(acquire(&subject, "b").await);
}

pub async fn a_message_that_was_handled_is_done_until_its_retention_is_over(
    mut subject: impl Subject,
) {
    let lease_of_a = lease(acquire(&subject, "a").await);
    assert!(complete(&subject, &lease_of_a).await);
    subject.pass(990);
    assert_eq!(acquire(&subject, "a").await, Acquired::Done);
    subject.pass(12);
    lease(acquire(&subject, "a").await);
}

pub async fn a_message_that_was_given_back_is_new_at_once(subject: impl Subject) {
    let lease_of_a = lease(acquire(&subject, "a").await);
    assert!(release(&subject, &lease_of_a).await);
    lease(acquire(&subject, "a").await);
}

pub async fn a_lease_that_has_run_out_is_taken_over_and_its_former_owner_changes_nothing(
    mut subject: impl Subject,
) {
    let former = lease(acquire(&subject, "a").await);
    subject.pass(301);
    let owner = lease(acquire(&subject, "a").await);
    assert!(!complete(&subject, &former).await);
    assert!(!release(&subject, &former).await);
    runs(&acquire(&subject, "a").await, 300);
    assert!(complete(&subject, &owner).await);
    assert!(!release(&subject, &former).await);
    assert!(!complete(&subject, &former).await);
    assert_eq!(acquire(&subject, "a").await, Acquired::Done);
}

pub async fn a_slow_owner_whom_nobody_replaced_completes(mut subject: impl Subject) {
    let slow = lease(acquire(&subject, "a").await);
    subject.pass(400);
    let _other = acquire(&subject, "b").await;
    assert!(complete(&subject, &slow).await);
    assert_eq!(acquire(&subject, "a").await, Acquired::Done);
}

/// Otherwise the sender's next attempt is handled successfully a second time.
pub async fn a_former_owner_completes_after_the_next_one_failed(mut subject: impl Subject) {
    let former = lease(acquire(&subject, "a").await);
    subject.pass(301);
    let next = lease(acquire(&subject, "a").await);
    assert!(release(&subject, &next).await);
    assert!(complete(&subject, &former).await);
    assert_eq!(acquire(&subject, "a").await, Acquired::Done);
    assert!(!complete(&subject, &next).await);
    assert!(!release(&subject, &next).await);
    subject.pass(990);
    assert_eq!(acquire(&subject, "a").await, Acquired::Done);
    subject.pass(12);
    lease(acquire(&subject, "a").await);
}

/// A store may have to ask a server twice.
pub async fn a_repeated_completion_is_still_the_owners(mut subject: impl Subject) {
    let owner = lease(acquire(&subject, "a").await);
    assert!(complete(&subject, &owner).await);
    assert!(complete(&subject, &owner).await);
    assert!(!release(&subject, &owner).await);
    assert_eq!(acquire(&subject, "a").await, Acquired::Done);
    subject.pass(1002);
    lease(acquire(&subject, "a").await);
}

pub async fn of_two_callers_at_the_same_moment_one_wins(subject: impl Subject) {
    for round in 0..1000 {
        let message_id = round.to_string();
        let answers = join_all((0..2).map(|_| acquire(&subject, &message_id))).await;
        let wins = answers.iter().filter(|answer| matches!(answer, Acquired::New(_))).count();
        assert_eq!(wins, 1, "round {round}");
    }
}

pub async fn two_callers_with_the_same_id_do_not_meet(subject: impl Subject) {
    lease(acquire_by(&subject, "a", "1").await);
    lease(acquire_by(&subject, "b", "1").await);
    lease(acquire(&subject, "1").await);
}

use super::*;
use proptest::prelude::*;

const T: &str = "PATCH /users/{id}";
const READ: &str = "GET /users";

fn ms(milliseconds: u64) -> Moment {
    Duration::from_millis(milliseconds)
}

fn quota(allowed: u32, window_ms: u64) -> Quota {
    Quota { allowed, window: ms(window_ms) }
}

fn says(retry_after: Option<u64>) -> Throttle {
    Throttle { scope: Scope::Unsaid, retry_after: retry_after.map(Duration::from_secs) }
}

/// Sends `calls` calls of `latency` one after another and says when each left.
fn drive(pacer: &mut Pacer, calls: usize, latency: Duration) -> Vec<Moment> {
    let mut now = Moment::ZERO;
    let mut left = vec![];
    while left.len() < calls {
        match pacer.leave(T, now) {
            Leave::Now => {
                left.push(now);
                pacer.sent(T, now, 0.5);
                pacer.passed(T, now, now + latency);
                now += latency;
            }
            Leave::At(at) => now = at,
            Leave::AfterAnAnswer => unreachable!("every call is answered at once"),
        }
    }
    left
}

#[test]
fn a_burst_fills_the_window_and_the_next_waits_for_it() {
    let left = drive(&mut Pacer::new(quota(300, 6_000), false), 301, ms(0));
    assert_eq!(left[299], ms(0));
    assert_eq!(left[300], ms(6_002));
}

#[test]
fn fifteen_hundred_calls_take_the_windows_ideal_time() {
    let left = drive(&mut Pacer::new(quota(300, 6_000), false), 1_500, ms(0));
    let ideal = quota(300, 6_000).time_for(1_500);
    assert!(left[1_499].as_secs_f64() <= ideal.as_secs_f64() * 1.02, "{:?}", left[1_499]);
}

#[test]
fn a_guessed_quota_is_halved_by_each_throttle_and_raised_by_one_a_quiet_window() {
    let mut pacer = Pacer::new(quota(8, 1_000), false).guessed();
    let backoff = Backoff::default();
    let mut now = ms(0);
    let throttle = |pacer: &mut Pacer, now: Moment| {
        // Seven got through: of a published quota that would be the new allowance.
        for _ in 0..7 {
            pacer.sent(T, now, 0.0);
            pacer.passed(T, now, now);
        }
        pacer.sent(T, now + ms(1), 0.0);
        pacer.throttled(T, now + ms(1), now + ms(2), &says(Some(1)), &backoff, 0.0);
        pacer.allowance()
    };
    assert_eq!(throttle(&mut pacer, now), 4);
    now += ms(1_100);
    assert_eq!(throttle(&mut pacer, now), 2);
    let raised: Vec<u32> = [2_000u64, 2_500, 3_100, 4_100]
        .iter()
        .map(|later| {
            let _ = pacer.leave(T, now + ms(*later));
            pacer.allowance()
        })
        .collect();
    assert_eq!(raised, [2, 3, 4, 5]);
}

#[test]
fn spread_is_an_even_drip() {
    let left = drive(&mut Pacer::new(quota(60, 60_000), true), 5, ms(0));
    assert_eq!(left, [ms(0), ms(1_000), ms(2_000), ms(3_000), ms(4_000)]);
}

#[test]
fn nothing_leaves_during_a_pause_however_long_and_one_probe_goes_first() {
    let mut pacer = Pacer::new(quota(100, 1_000), false);
    pacer.sent(T, ms(0), 0.0);
    pacer.throttled(T, ms(0), ms(10), &says(Some(7_200)), &Backoff::default(), 0.0);
    assert_eq!(pacer.leave(READ, ms(7_200_009)), Leave::At(ms(7_200_010)));
    assert_eq!(pacer.leave(T, ms(7_200_010)), Leave::Now);
    pacer.sent(T, ms(7_200_010), 0.0);
    assert_eq!(pacer.leave(T, ms(7_200_011)), Leave::AfterAnAnswer);
    pacer.passed(T, ms(7_200_010), ms(7_200_020));
    assert_eq!(pacer.leave(T, ms(7_200_020)), Leave::Now);
}

#[test]
fn without_retry_after_pauses_grow_and_calls_already_out_do_not_count_twice() {
    let mut pacer = Pacer::new(quota(100, 60_000), false);
    let backoff = Backoff { jitter: crate::backoff::Jitter::None, ..Backoff::default() };
    (0..3).for_each(|_| pacer.sent(T, ms(0), 0.0));
    for _ in 0..3 {
        assert_eq!(pacer.throttled(T, ms(0), ms(5), &says(None), &backoff, 0.0).wait, ms(1_000));
    }
    for (sent, wait) in [(2_000, 2_000), (5_000, 4_000), (10_000, 8_000)] {
        pacer.sent(T, ms(sent), 0.0);
        let pause = pacer.throttled(T, ms(sent), ms(sent), &says(None), &backoff, 0.0);
        assert_eq!((pause.wait, pause.since), (ms(wait), ms(5)));
    }
}

#[test]
fn what_got_through_becomes_the_allowance_and_quiet_windows_raise_it() {
    let mut pacer = Pacer::new(quota(300, 60_000), false);
    for _ in 0..200 {
        pacer.sent(T, ms(0), 0.0);
        pacer.passed(T, ms(0), ms(1));
    }
    pacer.sent(T, ms(2), 0.0);
    pacer.throttled(T, ms(2), ms(3), &says(Some(30)), &Backoff::default(), 0.0);
    assert_eq!(pacer.allowance(), 200);
    pacer.leave(T, ms(30_003 + 60_000));
    assert_eq!(pacer.allowance(), 215);
    pacer.leave(T, ms(30_003 + 60_000 * 20));
    assert_eq!(pacer.allowance(), 300);
}

#[test]
fn a_window_shorter_than_ours_is_learned_and_our_own_count_stays() {
    let mut pacer = Pacer::new(quota(240, 60_000), false);
    let backoff = Backoff { jitter: crate::backoff::Jitter::None, ..Backoff::default() };
    let mut now = ms(0);
    let (mut opened, mut counted, mut throttled, mut done) = (ms(0), 0, 0, 0);
    while done < 200 {
        match pacer.leave(T, now) {
            Leave::Now => {
                pacer.sent(T, now, 0.5);
                if now >= opened + ms(3_000) {
                    (opened, counted) = (now, 0);
                }
                if counted < 40 {
                    counted += 1;
                    done += 1;
                    pacer.passed(T, now, now);
                } else {
                    throttled += 1;
                    pacer.throttled(T, now, now, &says(None), &backoff, 0.0);
                }
                now += ms(1);
            }
            Leave::At(at) => now = at,
            Leave::AfterAnAnswer => unreachable!("every call is answered at once"),
        }
    }
    assert!(now < ms(30_000), "200 calls through 40 a 3 s took {now:?}");
    assert!(throttled <= 8, "{throttled} 429s");
}

#[test]
fn one_early_429_costs_at_most_half_of_the_allowance() {
    let mut pacer = Pacer::new(quota(300, 60_000), false);
    pacer.sent(T, ms(0), 0.0);
    pacer.throttled(T, ms(0), ms(1), &says(Some(1)), &Backoff::default(), 0.0);
    assert_eq!(pacer.allowance(), 150);
}

#[test]
fn a_services_own_limit_pauses_that_template_only() {
    let mut pacer = Pacer::new(quota(300, 60_000), false);
    pacer.sent(T, ms(0), 0.0);
    let said = Throttle { scope: Scope::Service, retry_after: Some(ms(5_000)) };
    assert!(pacer.throttled(T, ms(0), ms(1), &said, &Backoff::default(), 0.0).service);
    assert_eq!(pacer.leave(T, ms(100)), Leave::At(ms(5_001)));
    assert_eq!(pacer.leave(READ, ms(100)), Leave::Now);
    assert_eq!(pacer.allowance(), 300);
}

#[test]
fn a_second_429_while_other_templates_get_through_is_the_services() {
    let mut pacer = Pacer::new(quota(300, 60_000), false);
    let backoff = Backoff::default();
    pacer.sent(T, ms(0), 0.0);
    assert!(!pacer.throttled(T, ms(0), ms(1), &says(Some(1)), &backoff, 0.0).service);
    pacer.sent(READ, ms(1_100), 0.0);
    pacer.passed(READ, ms(1_100), ms(1_150));
    pacer.sent(T, ms(1_200), 0.0);
    assert!(pacer.throttled(T, ms(1_200), ms(1_210), &says(Some(1)), &backoff, 0.0).service);
}

proptest! {
    /// The vendor's count is simulated: each call is counted somewhere between leaving and its answer.
    #[test]
    fn no_stretch_of_a_window_ever_holds_more_than_allowed(
        allowed in 1u32..40, latencies in proptest::collection::vec((1u64..400, 0.0f64..1.0), 1..300), concurrency in 1usize..12,
    ) {
        let window = 1_000;
        let mut pacer = Pacer::new(quota(allowed, window), false);
        let mut now = ms(0);
        let mut flying: Vec<(Moment, Moment)> = vec![]; // (answer, sent)
        let mut counted: Vec<Moment> = vec![];
        let mut next = latencies.iter();
        let mut request = next.next();
        while request.is_some() || !flying.is_empty() {
            flying.sort();
            while flying.first().is_some_and(|(answer, _)| *answer <= now) {
                let (answer, sent) = flying.remove(0);
                pacer.passed(T, sent, answer);
            }
            let leave = match request {
                Some(_) if flying.len() < concurrency => pacer.leave(T, now),
                _ => Leave::AfterAnAnswer,
            };
            match (leave, request) {
                (Leave::Now, Some((latency, part))) => {
                    pacer.sent(T, now, 0.5);
                    flying.push((now + ms(*latency), now));
                    counted.push(now + ms(*latency).mul_f64(*part));
                    request = next.next();
                }
                (Leave::At(at), _) => {
                    let answer = flying.iter().map(|(answer, _)| *answer).min();
                    now = answer.map_or(at, |answer| answer.min(at));
                }
                _ => now = flying.iter().map(|(answer, _)| *answer).min().unwrap_or(now),
            }
        }
        counted.sort();
        for (i, from) in counted.iter().enumerate() {
            let within = counted[i..].iter().take_while(|at| **at < *from + ms(window)).count();
            prop_assert!(within <= allowed as usize, "{within} calls within a window of {allowed}");
        }
    }
}

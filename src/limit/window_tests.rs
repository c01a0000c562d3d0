use super::*;
use proptest::prelude::*;

const MINUTE: RateLimit = RateLimit { limit: 60, window_seconds: 60 };

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_900_000_000_000 + ms)
}

/// The definition itself, with a log of every token: the most that any window ending at an admission holds.
fn fullest_span(admitted: &[(i64, u32)], window_ms: i64) -> u64 {
    let spans = admitted.iter().map(|(end, _)| {
        let inside = admitted.iter().filter(|(ms, _)| *ms <= *end && *ms > end - window_ms);
        inside.map(|(_, tokens)| u64::from(*tokens)).sum()
    });
    spans.max().unwrap_or(0)
}

#[test]
fn exactly_the_limit_is_admitted_at_once() {
    let mut window = Window::new(&MINUTE);
    for _ in 0..60 {
        assert_eq!(window.take(1, &MINUTE, at(0)), Ok(()));
    }
    assert!(matches!(window.take(1, &MINUTE, at(0)), Err(Refusal::Until(_))));
    assert_eq!(window.quota(&MINUTE, at(0)).remaining, 0);
}

#[test]
fn a_refusal_names_the_first_moment_at_which_the_tokens_can_be_had() {
    let mut window = Window::new(&MINUTE);
    window.take(60, &MINUTE, at(0)).unwrap();
    let Err(Refusal::Until(moment)) = window.take(1, &MINUTE, at(5_000)) else { panic!("the window is full") };
    assert_eq!(moment, at(60_000));
    assert!(window.clone().take(1, &MINUTE, moment.plus_ms(-1)).is_err());
    assert_eq!(window.take(60, &MINUTE, moment), Ok(()));
}

#[test]
fn more_than_the_limit_can_never_be_had() {
    assert_eq!(Window::new(&MINUTE).take(61, &MINUTE, at(0)), Err(Refusal::Never));
}

#[test]
fn an_empty_window_is_whole_and_resets_now() {
    let quota = Window::new(&MINUTE).quota(&MINUTE, at(7));
    assert_eq!(quota, Quota { limit: 60, window_seconds: 60, remaining: 60, reset_at: at(7) });
}

#[test]
fn tokens_given_back_can_be_taken_again() {
    let mut window = Window::new(&MINUTE);
    window.take(60, &MINUTE, at(0)).unwrap();
    window.give_back(2, at(0));
    assert_eq!(window.take(2, &MINUTE, at(10)), Ok(()));
    assert!(window.take(1, &MINUTE, at(10)).is_err());
}

#[test]
fn a_clock_that_goes_back_frees_nothing() {
    let mut window = Window::new(&MINUTE);
    window.take(60, &MINUTE, at(100_000)).unwrap();
    assert!(window.take(1, &MINUTE, at(0)).is_err());
    assert!(window.take(1, &MINUTE, at(100_000 + 59_999)).is_err());
}

#[test]
fn a_longer_window_keeps_what_was_spent_under_the_shorter_one() {
    let short = RateLimit { limit: 10, window_seconds: 10 };
    let mut window = Window::new(&short);
    window.take(10, &short, at(0)).unwrap();
    let mut window = window.under(&MINUTE);
    assert_eq!(window.quota(&MINUTE, at(11_000)).remaining, 50);
    assert!(window.take(51, &MINUTE, at(59_000)).is_err());
}

#[test]
fn stored_bytes_are_these() {
    let mut window = Window::new(&MINUTE);
    window.take(3, &MINUTE, at(0)).unwrap();
    let stored = r#"{"window_ms":60000,"latest_ms":1900000000000,"buckets":[[1900000000000,3]]}"#;
    assert_eq!(serde_json::to_string(&window).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Window>(stored).unwrap(), window);
}

proptest! {
    #[test]
    fn no_span_ever_holds_more_than_the_limit(
        limit in 1u32..40,
        window_seconds in 1u32..90,
        steps in prop::collection::vec((0i64..4_000, 1u32..4), 1..400),
    ) {
        let rate = RateLimit { limit, window_seconds };
        let mut window = Window::new(&rate);
        let (mut clock, mut admitted) = (0, Vec::new());
        for (pause, tokens) in steps {
            clock += pause;
            let before = window.quota(&rate, at(clock)).remaining;
            let taken = window.take(tokens, &rate, at(clock));
            prop_assert_eq!(taken.is_ok(), tokens <= before, "what a quota promises is what take does");
            if taken.is_ok() {
                admitted.push((clock, tokens));
            }
        }
        prop_assert!(fullest_span(&admitted, rate.window_ms()) <= u64::from(limit));
        prop_assert!(window.buckets.len() <= 62);
    }

    #[test]
    fn a_token_is_free_again_at_most_a_sixtieth_late(window_seconds in 1u32..86_400, start in 0i64..1_000_000, pause in 0i64..100_000) {
        let rate = RateLimit { limit: 2, window_seconds };
        let mut window = Window::new(&rate);
        window.take(1, &rate, at(start)).unwrap();
        window.take(1, &rate, at(start + pause)).unwrap();
        let freed = window.quota(&rate, at(start + pause)).reset_at.ms() - at(start).ms();
        let late = rate.window_ms() / 60 + 1;
        prop_assert!(freed >= rate.window_ms().min(pause));
        prop_assert!(freed <= rate.window_ms() + late || pause >= rate.window_ms());
    }

    #[test]
    fn nobody_waits_longer_than_the_window(limit in 1u32..20, steps in prop::collection::vec(0i64..9_000, 1..200)) {
        let rate = RateLimit { limit, window_seconds: 60 };
        let (mut window, mut clock) = (Window::new(&rate), 0);
        for pause in steps {
            clock += pause;
            if let Err(Refusal::Until(moment)) = window.take(1, &rate, at(clock)) {
                prop_assert!(moment > at(clock) && moment <= at(clock + 60_000));
            }
        }
    }

    #[test]
    fn under_steady_demand_at_least_95_percent_of_the_limit_is_admitted(limit in 1u32..200, pause in 1i64..100) {
        let rate = RateLimit { limit, window_seconds: 60 };
        prop_assume!(60_000 / pause > i64::from(limit));
        let mut window = Window::new(&rate);
        let spans = 20;
        let admitted = (0..spans * 60_000 / pause).filter(|step| window.take(1, &rate, at(step * pause)).is_ok()).count();
        prop_assert!(admitted as f64 >= 0.95 * f64::from(limit) * spans as f64, "{} of {}", admitted, i64::from(limit) * spans);
    }
}

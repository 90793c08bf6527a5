//! Finding out where a tenant is: few calls, each no sooner than the one that answers allows.

use paceline_core::vendor::{Answer, Clues, Credentials};
use paceline_engine::{
    Answering, Caller, Clock, Insecure, Interrupt, Lost, Outgoing, Settings, Tools, Transport, locate,
};
use paceline_vendors::by_name;
use secrecy::SecretString;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Gives these answers, one after the other, and notes when it was asked.
#[derive(Debug)]
struct Script {
    clock: Clock,
    answers: Mutex<VecDeque<Result<Answer, Lost>>>,
    asked: Mutex<Vec<u64>>,
}

impl Transport for Script {
    fn send(&self, _outgoing: Outgoing) -> Answering<'_> {
        self.asked.lock().unwrap().push(self.clock.now().as_secs());
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move { answer.unwrap_or(Err(Lost::Timeout)) })
    }
}

fn scripted(answers: Vec<Result<Answer, Lost>>) -> (Arc<Script>, Tools) {
    let clock = Clock::start(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let script = Arc::new(Script { clock, answers: Mutex::new(answers.into()), asked: Mutex::default() });
    let tools = Tools {
        vendor: Arc::from(by_name("nice", None).unwrap()),
        transport: Arc::clone(&script) as Arc<dyn Transport>,
        credentials: Credentials::client("client", SecretString::from("client-secret")),
        clock,
        interrupt: Interrupt::new(),
        events: Arc::new(|_| {}),
        seed: 7,
    };
    (script, tools)
}

/// What came of it in words, and the seconds at which it asked.
async fn located(answers: Vec<Result<Answer, Lost>>) -> (String, Vec<u64>) {
    let (script, tools) = scripted(answers);
    let found = locate(&tools, &Clues::default(), Duration::from_secs(30)).await;
    let told = found.map_or_else(|stop| stop.to_string(), |lookup| format!("{lookup:?}"));
    let asked = script.asked.lock().unwrap().clone();
    (told, asked)
}

fn answer(status: u16, retry_after: Option<&str>) -> Result<Answer, Lost> {
    let headers = retry_after.map(|value| ("retry-after".to_owned(), value.to_owned()));
    Ok(Answer::new(status, headers.into_iter().collect(), b"{}".to_vec()))
}

#[tokio::test(start_paused = true)]
async fn discovery_asks_again_once_and_no_sooner_than_it_is_told() {
    for (first, second) in [(Some("7"), 7), (Some("Fri, 15 Jan 2027 08:00:09 GMT"), 9), (Some("soon"), 1), (None, 1)] {
        for status in [429, 503] {
            let (_, asked) = located(vec![answer(status, first), answer(404, None)]).await;
            assert_eq!(asked, [0, second], "{first:?}");
        }
    }
    let (told, asked) = located(vec![answer(429, Some("3600"))]).await;
    assert_eq!(asked, [0]);
    assert!(told.contains("asks to wait 3600 s"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_url_that_no_secret_may_be_sent_to_is_told_at_once() {
    let (told, asked) = located(vec![Err(Lost::Insecure(Insecure::PlainHttp))]).await;
    assert_eq!(asked, [0]);
    assert!(told.contains("plain http"), "{told}");
    let granted = Answer::new(200, vec![], br#"{"access_token":"tok-0123456789"}"#.to_vec());
    for answers in [vec![], vec![Ok(granted)]] {
        let before = answers.len();
        let (script, tools) = scripted([answers, vec![Err(Lost::Insecure(Insecure::PlainHttp))]].concat());
        let whoami = tools.vendor.whoami();
        let stop = Caller::new(tools, Settings::default()).call(whoami).await.unwrap_err().to_string();
        assert_eq!(*script.asked.lock().unwrap(), vec![0; before + 1]);
        assert!(stop.contains("plain http"), "{stop}");
    }
}

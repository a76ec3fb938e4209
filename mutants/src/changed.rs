/// Whether this is the change that the environment asks for. What is reached is written down.
pub(crate) const fn changed(number: u32) -> bool {
    const fn compiling(_: u32) -> bool {
        false
    }

    fn running(number: u32) -> bool {
        use std::io::Write as _;
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicBool, Ordering};

        static ON: LazyLock<u32> = LazyLock::new(|| {
            let asked = std::env::var("TOWER_HMAC_CHANGE").ok();
            asked.and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
        });
        static REACHED: [AtomicBool; 10_000] = [const { AtomicBool::new(false) }; 10_000];
        static LOG: LazyLock<Option<std::fs::File>> = LazyLock::new(|| {
            let path = std::env::var_os("TOWER_HMAC_REACHED")?;
            std::fs::OpenOptions::new().create(true).append(true).open(path).ok()
        });

        let mark = REACHED.get(number as usize);
        let first = |mark: &AtomicBool| {
            !mark.load(Ordering::Relaxed) && !mark.swap(true, Ordering::Relaxed)
        };
        if let Some(mut log) = LOG.as_ref().filter(|_| mark.is_some_and(first)) {
            let _ = log.write_all(format!("{number}\n").as_bytes());
        }
        number == *ON
    }

    std::intrinsics::const_eval_select((number,), compiling, running)
}

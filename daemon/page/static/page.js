// The page is complete without this file.  It adds how long ago, your own time on hover,
// news without a reload, and an honest word when the page has grown old.
(() => {
  const d = document, all = (s) => d.querySelectorAll(s), say = (e, t, c) => { e.textContent = t; e.className = c };
  const rel = (ms) => {
    const m = Math.floor(Math.abs(ms) / 6e4), h = Math.floor(m / 60), n = Math.floor(h / 24);
    const t = n ? n + " d " + (h % 24) + " h" : h ? h + " h " + (m % 60) + " min" : m + " min";
    return m ? (ms > 0 ? "in " + t : t + " ago") : ms > 0 ? "in less than a minute" : "just now";
  };
  const ages = () => all("[data-rel]").forEach((e) => {
    const ms = Date.parse(e.dateTime) - Date.now();
    let r = e.nextElementSibling;
    if (!r) { r = d.createElement("span"); e.after(" ", r) }
    say(r, e.dataset.rel == "due" && ms < -6e4 ? "(was due " + rel(ms) + ")" : "(" + rel(ms) + ")", "rel");
  });
  const local = () => all("time").forEach((e) => { e.title = new Date(e.dateTime).toLocaleString() + " your time" });
  const old = (now) => {
    const f = d.getElementById("made"), ms = f ? now - Date.parse(f.dateTime) : 0;
    if (ms > 3e5) say(d.getElementById("stale"), "This copy is " + rel(-ms).replace(" ago", " old") + "; it may be out of date.", "stale");
    else say(d.getElementById("stale"), "", "");
  };
  let seen = d.querySelector("main").innerHTML;
  const look = async () => {
    if (d.hidden) return;
    try {
      const a = await fetch(location.pathname, { cache: "no-cache" }), n = new DOMParser().parseFromString(await a.text(), "text/html");
      const m = n.querySelector("main"), here = d.querySelector("main"), foot = n.getElementById("made");
      if (a.status > 499) throw a;
      if (!a.ok) return;
      if (m.innerHTML != seen && !here.contains(d.activeElement)) {
        seen = m.innerHTML;
        here.replaceWith(m);
        d.title = n.title;
        d.getElementById("news").textContent = "Updated: " + n.title;
      }
      if (foot) d.getElementById("made").replaceWith(foot);
      old(Date.parse(a.headers.get("Date")) || Date.now());
    } catch { say(d.getElementById("stale"), "This page cannot be reached at the moment; what you see may be out of date.", "stale") }
    ages(); local();
  };
  ages(); local(); old(Date.now());
  setInterval(look, 3e4);
})();

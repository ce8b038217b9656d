/* Taking a quiz: every change is kept on this device first, then sent until the server says it is saved.
   The form works without this file; the server alone decides what is saved and when time is over. */
(() => {
  'use strict';
  const form = document.getElementById('bai');
  if (!form || !window.fetch || !window.URLSearchParams) return;
  const data = form.dataset, words = JSON.parse(data.words), key = 'bai:' + data.attempt, opening = +data.opening;
  const $ = id => document.getElementById(id), root = document.documentElement, body = document.body;
  const sections = Array.from(form.querySelectorAll('.q')), names = sections.map(s => s.dataset.n);
  const section = n => sections[names.indexOf(String(n))], total = names.filter(n => n !== 'p').length;
  const guess = $('du_doan'), pictures = $('hinh').children;
  const say = (text, values) => text.replace(/\{(\w)\}/g, (m, k) => values[k]);
  const el = (tag, text) => { const e = document.createElement(tag); e.textContent = text; return e; };

  let seq = +data.savedSeq, dirty = {}, seen = {}, savedAt = {}, lastSaved = '', flags = [];
  let flight = false, going = false, tries = 0, timer = 0, notBefore = 0, stopped = '', leaving = false;

  /* ---- what is chosen ---- */
  const inputs = n => Array.from(form.querySelectorAll('[name="q' + n + '"]'));
  const values = n => n === 'p' ? (guess.value.replace(/\D/g, '') ? [guess.value.replace(/\D/g, '')] : []) : inputs(n).filter(i => i.checked).map(i => i.value);
  const fill = (n, chosen) => { if (n === 'p') guess.value = chosen[0] || ''; else inputs(n).forEach(i => { i.checked = chosen.indexOf(i.value) >= 0; }); };
  const unsent = () => Object.keys(dirty).length > 0;
  const fields = () => {
    const out = new URLSearchParams();
    out.append('seq', seq); out.append('lan', opening);
    names.forEach(n => {
      const name = n === 'p' ? 'du_doan' : 'q' + n, chosen = values(n);
      if (chosen.length) chosen.forEach(v => out.append(name, v)); else if (seen[n]) out.append(name, '');
    });
    return out;
  };

  /* ---- the copy on this device ---- */
  let store = null;
  try { store = window.localStorage; } catch (e) { /* forbidden: the server's copy alone */ }
  const read = () => { try { return JSON.parse(store.getItem(key)); } catch (e) { return null; } };
  const write = () => {
    const other = read();
    if (other && other.lan > opening) { takenOver(); return; }
    const a = {};
    names.forEach(n => { const v = values(n); if (v.length || seen[n]) a[n] = v; });
    try { store.setItem(key, JSON.stringify({ lan: opening, seq, d: dirty, a, f: flags, t: Date.now() })); } catch (e) { /* full or forbidden */ }
  };
  const forget = () => { try { store.removeItem(key); } catch (e) { /* forbidden */ } };
  const remember = (k, v) => { try { if (v === undefined) return store.getItem(k); store.setItem(k, v); } catch (e) { /* forbidden */ } return null; };

  /* Unsent answers from an earlier opening: those newer than the server's copy win; older ones only fill what the server has blank. */
  function restore() {
    const kept = read();
    names.forEach(n => { if (values(n).length) seen[n] = true; });
    if (!kept || !kept.a) return;
    flags = (kept.f || []).filter(n => names.indexOf(n) >= 0);
    const newer = kept.seq > seq;
    const merged = Object.keys(kept.d || {}).filter(n => names.indexOf(n) >= 0 && (newer ? kept.d[n] > seq : !values(n).length));
    if (!merged.length) return;
    seq = Math.max(seq, kept.seq) + 1;
    merged.forEach(n => { fill(n, kept.a[n] || []); seen[n] = true; dirty[n] = seq; });
  }
  /* Copies of papers long gone: a week is longer than any attempt. */
  function tidy() {
    try {
      Object.keys(store).forEach(k => {
        if (k.slice(0, 4) !== 'bai:' || k === key) return;
        let t = 0;
        try { t = JSON.parse(store.getItem(k)).t; } catch (e) { /* not readable: old */ }
        if (!(Date.now() - t < 6048e5)) store.removeItem(k);
      });
    } catch (e) { /* forbidden */ }
  }

  /* ---- the server's clock; the device's own clock never counts ---- */
  let deadline = +data.deadline, base = +data.serverNow, mark = performance.now(), wall = Date.now();
  const nav = performance.timing || {};
  if (nav.responseStart > nav.navigationStart) base += Math.max(0, mark - (nav.responseStart - nav.navigationStart));
  const now = () => base + performance.now() - mark;
  function sync(reply, took) {
    const server = Date.parse(reply.headers.get('Date')) + 500, shift = server - now();
    if (Math.abs(shift) > 1500 + took) base += shift;
    wall = Date.now() - (performance.now() - mark);
  }
  /* A phone that slept may have stopped performance.now(): then ask the server again. */
  const drifted = () => Math.abs((Date.now() - wall) - (performance.now() - mark)) > 3000;
  const ms = t => typeof t === 'number' ? t : Date.parse(t);
  const clockOf = t => /^\d\d:\d\d:\d\d$/.test(t) ? t : new Date(ms(t) + 252e5).toISOString().slice(11, 19); // UTC+7

  /* ---- sending ---- */
  const later = wait => { clearTimeout(timer); timer = setTimeout(send, Math.max(wait, notBefore - Date.now())); };
  function post(url, extra) {
    const stop = window.AbortController ? new AbortController() : null;
    const cut = stop && setTimeout(() => stop.abort(), 12000), done = () => clearTimeout(cut);
    const asked = fetch(url, Object.assign({ method: 'POST', body: fields(), credentials: 'same-origin', headers: { Accept: 'application/json' }, signal: stop ? stop.signal : undefined }, extra));
    asked.then(done, done);
    return asked;
  }
  /* Half fixed, half random, so that a crowd that lost the net together does not come back together. */
  function wait(reply) {
    tries += 1;
    let pause = Math.min(15000, 500 * Math.pow(2, tries - 1)) * (.5 + Math.random() / 2);
    const asked = reply && (reply.status === 503 || reply.status === 429) && parseFloat(reply.headers.get('Retry-After'));
    if (asked > 0) { pause = Math.max(pause, asked * 1000 * (1 + Math.random() * .3)); notBefore = Date.now() + pause; }
    return pause;
  }
  const answer = reply => reply.json().catch(() => ({}));

  async function send(force, extra) {
    clearTimeout(timer);
    if (stopped || flight || leaving || (going && !extra) || (force !== true && !unsent())) return; // a paper on its way carries every answer
    const mine = seq, began = performance.now();
    flight = true;
    paint();
    let reply = null, got = {};
    try {
      reply = await post(data.saveUrl, extra);
      got = await answer(reply);
      sync(reply, performance.now() - began);
    } catch (e) { reply = null; }
    flight = false;
    if (leaving || stopped) return;
    if (reply && reply.ok && typeof got.saved_seq === 'number') saved(got, mine);
    else if (reply && reply.status === 409 && got.code) refused(got);
    else if (reply && (reply.status === 401 || reply.status === 404)) keptHere();
    else {
      const failedBefore = tries > 0;
      later(wait(reply));
      if (!failedBefore && unsent()) announce(words.failed);
    }
    paint();
  }
  function saved(got, mine) {
    heard(got);
    if (got.saved_seq > seq) {            // another page is ahead of this one
      const other = read();
      if (other && other.lan > opening) { takenOver(); return; }
      seq = got.saved_seq + 1;            // a stale opening is refused by its `lan`, so this cannot overwrite a newer one
      names.forEach(n => { if (seen[n]) dirty[n] = seq; });
      write();
      later(250);
      return;
    }
    Object.keys(dirty).forEach(n => { if (dirty[n] <= got.saved_seq) { delete dirty[n]; savedAt[n] = got.saved_at; } });
    lastSaved = got.saved_at;
    if (tries && !unsent()) announce(words.back);
    if (got.saved_seq >= mine) tries = 0;
    notBefore = 0;
    write();
    if (unsent()) later(got.saved_seq >= mine ? 150 : wait());
  }

  /* ---- what the organisers say: more time, and lines for everybody inside ---- */
  const news = $('tin');
  let heardAt = Date.now(), extensions = +data.extensions, hidden = [];
  try { hidden = JSON.parse(remember('tin-an')) || []; } catch (e) { /* not readable: nothing hidden */ }
  function line(kind, text, id) {
    const p = el('p', ''), b = el('button', '×');
    p.className = 'note ' + kind + ' told';
    p.appendChild(el('span', text));
    if (id) p.dataset.notice = id;
    b.type = 'button';
    b.className = 'hide-told';
    b.setAttribute('aria-label', words.hide + ': ' + text);
    p.appendChild(b);
    return p;
  }
  function tell(notices) {
    const wanted = notices.filter(n => hidden.indexOf(n.id) < 0), ids = wanted.map(n => String(n.id));
    Array.from(news.querySelectorAll('[data-notice]')).forEach(p => { if (ids.indexOf(p.dataset.notice) < 0) p.remove(); });
    wanted.forEach(n => { if (!news.querySelector('[data-notice="' + n.id + '"]')) news.appendChild(line('warn', n.body, n.id)); });
  }
  function hideLine(p) {
    if (p.dataset.notice) { hidden = hidden.concat(+p.dataset.notice).slice(-50); remember('tin-an', JSON.stringify(hidden)); }
    p.remove();
    section(at).focus({ preventScroll: true });
  }
  const untilText = () => say(words.until, { t: clockOf(deadline) });
  function heard(got) {
    const until = ms(got.deadline_at), more = Math.round((until - deadline) / 6e4);
    heardAt = Date.now();
    if (until) deadline = until;
    if (more > 0) {
      $('dong-ho').querySelector('small').textContent = untilText();
      news.appendChild(line('ok', say(words.granted, { n: more, t: clockOf(deadline) })));
    }
    tell(got.notices || []);
  }
  /* Whoever saves hears of everything with the answer; whoever only reads asks once in a while. */
  async function askNews() {
    setTimeout(askNews, 6e4 * (1 + Math.random() / 2));
    if (stopped || leaving || document.hidden || navigator.onLine === false || Date.now() - heardAt < 45e3) return;
    try {
      const reply = await fetch(data.newsUrl, { credentials: 'same-origin', headers: { Accept: 'application/json' } });
      if (!reply.ok) return;
      const got = await answer(reply);
      tell(got.notices || []);
      if (got.extension_count === extensions) return;
      extensions = got.extension_count;   // somebody was given time; a save tells whether it was this paper
      send(true);
    } catch (e) { /* no net: the next time */ }
  }

  function refused(got) {
    if (got.code === 'taken_over') takenOver();
    else if (got.code === 'submitted') finish();
    else if (got.code === 'late') { stopped = 'late'; wait2(words.late); setTimeout(finish, 2500); }
    else later(wait());
  }
  function stop(why, id) {
    stopped = why;
    clearTimeout(timer);
    ['hop-nop', 'hop-cho'].forEach(hide);
    Array.from(form.elements).forEach(e => { e.disabled = true; });
    $('nop').disabled = true;
    $(id).hidden = false;
    $(id).focus();
    window.scrollTo(0, 0);
    paint();
  }
  function takenOver() { if (!stopped) stop('taken', 'noi-khac'); }
  function keptHere() { write(); if (!stopped) stop('kept', 'giu-lai'); }
  function finish() { leaving = true; forget(); location.replace(data.resultUrl); }

  function changed(n) {
    if (stopped) return;
    seq += 1;
    dirty[n] = seq;
    seen[n] = true;
    delete savedAt[n];
    write();
    if (!flight) later(250);
    paint();
  }

  /* ---- handing in ---- */
  const show = id => { const d = $(id); if (d.open) return; if (d.showModal) d.showModal(); else d.setAttribute('open', ''); };
  const hide = id => { const d = $(id); if (d.close && d.open) d.close(); else d.removeAttribute('open'); };
  let handing = 0, auto = false;
  function wait2(text, more) { // the waiting box; `more`: what may be pressed
    hide('hop-nop');
    $('hop-cho-t').textContent = text;
    $('thu-lai').hidden = !more; $('ve-bai').hidden = !more || auto; $('xem-kq').hidden = !more || !auto;
    show('hop-cho');
  }
  async function submit() {
    clearTimeout(handing);
    if (leaving || stopped || going) return;
    clearTimeout(timer);
    going = true;
    wait2(auto ? words.over : words.sending);
    let reply = null, got = {};
    try {                                 // time that is over by this clock is only asked about: it may have been extended
      reply = await post(auto ? data.saveUrl : data.submitUrl, { redirect: 'manual' });
      if (reply.type !== 'opaqueredirect' && (auto || !reply.ok)) got = await answer(reply);
    } catch (e) { reply = null; }
    going = false;
    if (leaving || stopped) return;
    if (auto && reply && reply.ok) {
      saved(got, seq);
      if (deadline - now() > 2000) goOn(); else handing = setTimeout(submit, 1000);
    } else if (reply && (reply.type === 'opaqueredirect' || reply.ok)) finish();
    else if (reply && reply.status === 409 && got.code) refused(got);
    else if (reply && (reply.status === 401 || reply.status === 404)) keptHere();
    else { wait2(auto ? words.overFail : words.sendFail, true); handing = setTimeout(submit, wait(reply)); }
  }
  function ask() {
    const open = names.filter(n => !values(n).length), count = open.filter(n => n !== 'p').length;
    $('hop-nop-con').textContent = count ? say(words.left, { n: count }) : say(words.done, { m: total });
    [['hop-nop-thieu', open], ['hop-nop-co', flags]].forEach(([id, list]) => {
      const box = $(id), ol = box.querySelector('ol');
      box.hidden = !list.length;
      ol.textContent = '';
      list.forEach(n => {
        const li = el('li', ''), a = el('a', n === 'p' ? words.prediction : n);
        if (n === 'p') li.className = 'two'; else a.setAttribute('aria-label', say(words.question, { n }));
        a.href = '#cau-' + n;
        a.dataset.to = n;
        li.appendChild(a);
        ol.appendChild(li);
      });
    });
    show('hop-nop');
  }

  /* ---- time ---- */
  let before = Infinity, over = false, flushed = false;
  function announce(text) { $('loa').textContent = ''; setTimeout(() => { $('loa').textContent = text; }, 60); }
  function goOn() { over = auto = false; hide('hop-cho'); paint(); }
  async function tick() {
    const left = deadline - now(), s = Math.max(0, Math.ceil(left / 1000)), two = x => (x < 10 ? '0' : '') + x;
    const text = (s >= 3600 ? Math.floor(s / 3600) + ':' : '') + two(Math.floor(s / 60) % 60) + ':' + two(s % 60), box = $('dong-ho');
    if (box.firstChild.textContent !== text) box.firstChild.textContent = text;
    box.className = 'timer' + (left <= 6e4 ? ' last' : left <= 6e5 ? ' soon' : '');
    [10, 5, 1].forEach(m => { if (before !== Infinity && before > m * 6e4 && left <= m * 6e4 && left > 0) announce(say(words.min, { n: m })); });
    before = left;
    if (left > 6000) flushed = false;
    if (left <= 4000 && !flushed && !stopped) { flushed = true; notBefore = 0; send(); }
    if (left > 0 || over || stopped || leaving) return;
    over = true;                          // ask the server once more: a slept or drifting clock must not hand in early
    wait2(words.over);
    flight = false;
    await Promise.race([send(true), new Promise(r => setTimeout(r, 3000))]);
    if (stopped || leaving) return;
    if (deadline - now() > 2000) { goOn(); return; }
    auto = true;
    submit();
  }

  /* ---- what is seen ---- */
  function status(box, kind, text) {
    const was = box.dataset.was, is = kind + text;
    if (was === is) return;
    box.dataset.was = is;
    box.className = box.className.split(' ')[0] + (kind ? ' ' + kind : '');
    box.textContent = '';
    if (kind) box.appendChild(pictures[kind === 'ok' ? 0 : 1].cloneNode(true));
    box.appendChild(el('span', text));
  }
  function paint() {
    let count = 0;
    names.forEach(n => {
      const chosen = values(n).length > 0, flagged = flags.indexOf(n) >= 0, sec = section(n), a = document.querySelector('#danh-sach [data-to="' + n + '"]');
      if (chosen && n !== 'p') count += 1;
      a.className = (chosen ? 'done' : '') + (flagged ? ' flagged' : '');
      const last = a.lastElementChild;
      last.textContent = ', ' + (chosen ? words.answered : words.open) + (flagged ? ', ' + words.flagged : '');
      const flag = sec.querySelector('.flag'), clear = sec.querySelector('.clear');
      if (flag) flag.setAttribute('aria-pressed', String(flagged));
      if (clear) clear.hidden = !chosen;
      const state = sec.querySelector('.q-state');
      if (dirty[n]) status(state, tries || stopped ? 'fail' : '', tries || stopped ? words.failed : words.saving);
      else if (savedAt[n]) status(state, 'ok', say(words.saved, { t: clockOf(savedAt[n]) }));
    });
    $('so-cau').textContent = count;
    $('vach').setAttribute('width', count);
    const top = $('da-luu');
    if (unsent()) status(top, tries || stopped ? 'fail' : '', tries || stopped ? words.failed : words.saving);
    else if (lastSaved) status(top, 'ok', say(words.saved, { t: clockOf(lastSaved) }));
  }
  let at = names[0];
  const oneView = () => body.classList.contains('one');
  function look(n, focus) {
    at = n;
    const i = names.indexOf(n), label = m => m === 'p' ? words.prediction : say(words.question, { n: m });
    sections.forEach(s => s.classList.toggle('now', s.dataset.n === n));
    document.querySelectorAll('#danh-sach [data-to]').forEach(a => { if (a.dataset.to === n) a.setAttribute('aria-current', 'step'); else a.removeAttribute('aria-current'); });
    $('truoc').disabled = i === 0;
    $('truoc').querySelector('span').textContent = i ? label(names[i - 1]) : '';
    $('sau').querySelector('span').textContent = i + 1 < names.length ? label(names[i + 1]) : words.submit;
    $('mo-danh-sach').querySelector('span').textContent = n === 'p' ? words.prediction : n + '/' + total;
    $('mo-danh-sach').setAttribute('aria-label', words.list + ', ' + (n === 'p' ? words.prediction : say(words.of, { n, m: total })));
    if (!focus) return;
    section(n).focus({ preventScroll: true });
    if (oneView()) window.scrollTo(0, 0); else section(n).scrollIntoView();
    try { history.replaceState(null, '', '#cau-' + n); } catch (e) { /* not allowed: no matter */ }
  }
  function view(one) {
    body.classList.toggle('one', one);
    body.classList.toggle('list', !one);
    $('kieu-xem').textContent = one ? words.all : words.one;
  }
  function sheet(open) { body.classList.toggle('sheet', open); $('mo-danh-sach').setAttribute('aria-expanded', String(open)); if (open) $('danh-sach').focus(); }

  /* ---- what people do ---- */
  form.addEventListener('change', e => { if (/^q\d/.test(e.target.name)) changed(e.target.name.slice(1)); });
  form.addEventListener('focusin', e => { const s = e.target.closest('.q'); if (s && !oneView() && s.dataset.n !== at) look(s.dataset.n); });
  if (guess) guess.addEventListener('input', () => changed('p'));
  form.addEventListener('submit', e => { e.preventDefault(); later(0); });
  document.addEventListener('click', e => {
    const to = e.target.closest('[data-to]'), b = e.target.closest('button'), s = e.target.closest('.q');
    if (to) { e.preventDefault(); hide('hop-nop'); sheet(false); look(to.dataset.to, true); return; }
    if (body.classList.contains('sheet') && !e.target.closest('#danh-sach, .dock')) sheet(false);
    if (!b) return;
    if (b.classList.contains('hide-told')) { hideLine(b.parentNode); return; }
    if (b.id === 'nop') { e.preventDefault(); ask(); }
    else if (b.id === 'nop-that' || b.id === 'thu-lai') submit();
    else if (b.id === 'lam-tiep') hide('hop-nop');
    else if (b.id === 've-bai') { clearTimeout(handing); handing = 0; hide('hop-cho'); later(0); }
    else if (b.id === 'truoc') look(names[names.indexOf(at) - 1], true);
    else if (b.id === 'sau') { const n = names[names.indexOf(at) + 1]; if (n) look(n, true); else ask(); }
    else if (b.id === 'mo-danh-sach') sheet(!body.classList.contains('sheet'));
    else if (b.id === 'kieu-xem') { view(!oneView()); remember('kieu-xem', oneView() ? 'one' : 'list'); sheet(false); look(at, true); }
    else if (s && b.classList.contains('clear')) { fill(s.dataset.n, []); changed(s.dataset.n); s.focus({ preventScroll: true }); }
    else if (s && b.classList.contains('flag')) { const i = flags.indexOf(s.dataset.n); if (i < 0) flags.push(s.dataset.n); else flags.splice(i, 1); flags.sort((x, y) => names.indexOf(x) - names.indexOf(y)); write(); paint(); }
  });
  document.addEventListener('keydown', e => { if (e.key === 'Escape' && body.classList.contains('sheet')) { sheet(false); $('mo-danh-sach').focus(); } });
  $('hop-cho').addEventListener('cancel', e => e.preventDefault());
  $('lay-lai').addEventListener('submit', () => { leaving = true; });

  /* ---- the net comes and goes ---- */
  const retry = () => { if (unsent() && !flight) later(0); };
  window.addEventListener('online', () => { retry(); if (handing && $('hop-cho').open) submit(); });
  document.addEventListener('visibilitychange', () => { if (document.hidden) send(false, { keepalive: true }); else if (drifted()) send(true); else retry(); });
  window.addEventListener('pageshow', e => { if (e.persisted) { leaving = false; flight = false; send(true); } });
  window.addEventListener('pagehide', () => {
    if (!unsent() || stopped || leaving) return;
    try { fetch(data.saveUrl, { method: 'POST', body: fields(), credentials: 'same-origin', headers: { Accept: 'application/json' }, keepalive: true }).catch(() => {}); }
    catch (e) { if (navigator.sendBeacon) navigator.sendBeacon(data.saveUrl, fields()); }
  });
  window.addEventListener('beforeunload', e => { if (unsent() && !leaving && stopped !== 'taken') { e.preventDefault(); e.returnValue = ''; } });
  window.addEventListener('storage', e => { if (e.key === key && e.newValue) { const other = read(); if (other && other.lan > opening) takenOver(); } });

  /* ---- begin ---- */
  tidy();
  Array.from(news.querySelectorAll('p')).forEach(p => { const id = p.dataset.notice; if (id && hidden.indexOf(+id) >= 0) p.remove(); else p.replaceWith(line(id ? 'warn' : 'ok', p.textContent, id)); });
  setTimeout(askNews, 6e4 * (1 + Math.random() / 2));
  restore();
  write();
  root.classList.add('ready');
  ['truoc', 'mo-danh-sach', 'sau', 'kieu-xem'].forEach(id => { $(id).hidden = false; });
  sections.forEach(s => { const f = s.querySelector('.flag'); if (f) f.hidden = false; });
  const wanted = remember('kieu-xem'), asked = location.hash.slice(5);
  view(wanted ? wanted === 'one' : window.innerWidth < 900);
  look(names.indexOf(asked) >= 0 ? asked : names.find(n => !values(n).length) || names[0]);
  if (names.indexOf(asked) >= 0) section(at).scrollIntoView();
  paint();
  tick();
  setInterval(tick, 500);
  if (unsent()) send();
})();

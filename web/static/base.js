/* Text size, light or dark, the name in the menu, countdowns. Loaded in <head> without defer, so that a page never flashes in the wrong size. Everything works without it. */
(function () {
  'use strict';
  var d = document, h = d.documentElement, store = null;
  try { store = window.localStorage; } catch (e) { /* storage is forbidden: choices last one page */ }
  function get(k) { try { return store && store.getItem(k); } catch (e) { return null; } }
  function set(k, v) { try { if (store) { if (v) { store.setItem(k, v); } else { store.removeItem(k); } } } catch (e) { /* full */ } }
  function all(s, f) { Array.prototype.forEach.call(d.querySelectorAll(s), f); }
  function dark() {
    return (h.getAttribute('data-theme') || (window.matchMedia && matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  }
  function size(v) { h.classList.remove('a1', 'a2'); if (v === 'a1' || v === 'a2') { h.classList.add(v); } }
  function theme(v) { if (v === 'dark' || v === 'light') { h.setAttribute('data-theme', v); } }

  h.classList.add('js');
  size(get('co-chu'));
  theme(get('nen'));

  function show() {
    var s = get('co-chu') || (h.classList.contains('a2') ? 'a2' : h.classList.contains('a1') ? 'a1' : 'a0');
    all('[data-size]', function (b) { b.setAttribute('aria-pressed', String(b.getAttribute('data-size') === s)); });
    all('[data-switch]', function (b) { b.textContent = b.getAttribute(dark() ? 'data-light' : 'data-dark'); });
  }

  function name() {
    var m = /(?:^|;\s*)ten_hien=([^;]+)/.exec(d.cookie), n = '';
    try { n = m ? decodeURIComponent(m[1]).trim() : ''; } catch (e) { /* not ours */ }
    if (n) { all('[data-me]', function (a) { a.querySelector('span').textContent = n; a.setAttribute('aria-label', a.getAttribute('data-me') + ' ' + n); }); }
  }

  function countdown() {
    all('[data-until]', function (e) {
      var left = Math.floor((+e.getAttribute('data-until') - Date.now()) / 60000);
      e.hidden = left < 0;
      if (left < 0) { return; }
      var v = [Math.floor(left / 1440), Math.floor(left / 60) % 24, left % 60];
      Array.prototype.forEach.call(e.querySelectorAll('b'), function (b, i) { b.textContent = v[i]; });
    });
  }

  d.addEventListener('click', function (ev) {
    var b = ev.target.closest && ev.target.closest('[data-size],[data-switch],[data-print]');
    if (!b) { return; }
    if (b.hasAttribute('data-size')) { size(b.getAttribute('data-size')); set('co-chu', b.getAttribute('data-size')); }
    if (b.hasAttribute('data-switch')) { theme(dark() ? 'light' : 'dark'); set('nen', h.getAttribute('data-theme')); }
    if (b.hasAttribute('data-print')) { window.print(); }
    show();
  });

  d.addEventListener('DOMContentLoaded', function () {
    show();
    name();
    countdown();
    if (d.querySelector('[data-until]')) { setInterval(countdown, 15000); }
    /* a control that needs htmx replaces the plain one only when htmx is really here */
    if (window.htmx) {
      all('[data-plain]', function (e) { e.disabled = true; e.hidden = true; });
      all('[data-live]', function (e) { e.disabled = false; e.hidden = false; });
    }
    var errors = d.querySelector('.errors');
    if (errors) { errors.focus(); }
  });
})();

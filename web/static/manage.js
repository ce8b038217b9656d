/* The question bank's list: mark a whole page, count what is marked, walk the rows by keyboard. Everything works without it. */
(() => {
  'use strict';
  const form = document.getElementById('nhieu-cau');
  if (!form) return;
  const boxes = Array.from(form.querySelectorAll('[data-rows] input[name=cau]'));
  const said = form.querySelector('[data-marked]'), all = form.querySelector('[data-mark-all]');
  const count = () => { const n = boxes.filter(b => b.checked).length; said.textContent = n ? said.dataset.words.replace('{n}', n) : ''; };
  all.setAttribute('role', 'button');
  all.addEventListener('click', event => {
    event.preventDefault();
    const value = !boxes.every(b => b.checked);
    boxes.forEach(b => { b.checked = value; });
    count();
  });
  all.addEventListener('keydown', event => { if (event.key === ' ') { event.preventDefault(); all.click(); } });
  form.addEventListener('change', count);
  /* single keys act only while the focus is on a row's box, so they never surprise who types or speaks */
  form.addEventListener('keydown', event => {
    const at = boxes.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { j: 1, k: -1 }[event.key];
    if (step) { const next = boxes[at + step]; if (next) next.focus(); }
    else if (event.key === 'x') { boxes[at].checked = !boxes[at].checked; count(); }
    else if (event.key === 'Enter') boxes[at].parentNode.querySelector('a').click();
    else return;
    event.preventDefault();
  });
  count();
})();

/* The waiting room: asks what is being served and shows the button when the turn has come. Without this file the page reloads itself. */
(() => {
  'use strict';
  const room = document.getElementById('cho');
  if (!room || !window.fetch) return;
  const words = JSON.parse(room.dataset.words), $ = id => document.getElementById(id);
  const [epoch, number] = room.dataset.place.split('.').map(Number);
  const dots = n => String(n).replace(/\B(?=(\d{3})+$)/g, '.');
  /* In tens, many in hundreds: nobody knows more. */
  const about = n => { const step = n < 100 ? 1 : Math.pow(10, Math.max(1, String(n).length - 3)); return dots(Math.round(n / step) * step); };
  const wait = s => s < 60 ? words.soon : s < 3600 ? words.minutes.replace('{n}', Math.ceil(s / 60)) : words.hours.replace('{n}', Math.ceil(s / 3600));
  /* Often near the turn, seldom far from it, and never everybody at once. */
  const later = s => setTimeout(ask, 1000 * Math.min(Math.max(s / 4, 2), 30) * (0.85 + Math.random() * 0.3));

  function come() {
    room.hidden = true;
    $('den-luot').hidden = false;
    document.title = words.title + ' · ' + document.title.split(' · ').pop();
    $('bao').textContent = words.title;
  }
  function show(turn) {
    if (turn.epoch !== epoch) { location.reload(); return; }
    if (number <= turn.served) { come(); return; }
    const left = (number - turn.served) / Math.max(turn.per_minute, 1) * 60;
    $('truoc').textContent = about(number - turn.served - 1);
    $('con').textContent = wait(left);
    later(left);
  }
  function ask() {
    fetch(room.dataset.turn, { headers: { Accept: 'application/json' } })
      .then(reply => { if (!reply.ok) throw new Error(reply.status); return reply.json(); })
      .then(show)
      .catch(() => later(40));
  }
  later(+room.dataset.again);
})();

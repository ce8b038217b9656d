/* A certificate's QR vouches for itself: reads the payload behind "#", which no server sees, and checks its signature with the published keys. The format stands in certificates/payload.py. Without this file the register alone answers. */
(() => {
  'use strict';
  const paper = document.getElementById('ma-qr'), payload = location.hash.slice(1);
  if ('serviceWorker' in navigator && paper) navigator.serviceWorker.register('/chung-nhan/khong-mang.js', { scope: '/chung-nhan/' }).catch(() => {});
  if (!paper) return;
  const { keys: keysAddress, noble } = paper.dataset;
  const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$*+-./:', PURPOSE = 'hieu-so/giay-chung-nhan/1';
  const KINDS = ['participation', 'pass', 'prize', 'unit_prize'], HEAD = 8, SIGNATURE = 64;
  const hex = bytes => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
  const unhex = text => Uint8Array.from(text.match(/../g), b => parseInt(b, 16));
  const shown = day => day.split('-').reverse().join('/');

  function bytesOf(text) {
    if (text.length > 3000 || text.length % 3 === 1) throw new Error('length');
    const out = [];
    for (let i = 0; i < text.length; i += 3) {
      const part = Array.from(text.slice(i, i + 3), c => DIGITS.indexOf(c));
      const value = part.reduceRight((sum, digit) => sum * 43 + digit, 0);
      if (part.includes(-1) || value >= 256 ** (part.length - 1)) throw new Error('digits');
      if (part.length === 3) out.push(value >> 8);
      out.push(value & 255);
    }
    return Uint8Array.from(out);
  }
  function textOf(packed, table) {
    const letters = new Map();
    let code = 0, length = 0;
    for (const [said, those] of Object.entries(table)) {
      code <<= +said - length;
      length = +said;
      for (const letter of those) letters.set(length + '.' + code++, letter);
    }
    const bit = i => packed[i >> 3] >> (7 - (i & 7)) & 1, end = packed.length * 8;
    let text = '', value = 0, seen = 0;
    for (let i = 0; i < end; i++) {
      value = value << 1 | bit(i);
      const letter = letters.get(++seen + '.' + value);
      if (letter === '\0') return text;
      if (letter === undefined) continue;
      text += letter;
      if (letter === '') {
        let point = 0;
        for (let n = 0; n < 21 && i + 1 < end; n++) point = point << 1 | bit(++i);
        text += String.fromCodePoint(point);
      }
      value = seen = 0;
    }
    throw new Error('no end');
  }
  async function isSigned(key, signature, message) {
    try {
      const imported = await crypto.subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify']);
      return await crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, message);
    } catch (e) { /* this browser does not know Ed25519 */
      return (await import(noble)).verifyAsync(signature, message, key, { zip215: false });
    }
  }
  async function read(published) {
    const content = bytesOf(decodeURIComponent(payload)), body = content.slice(0, -SIGNATURE);
    if (content.length < HEAD + SIGNATURE || content[0] !== 1) throw new Error('format');
    const number = decodeURIComponent(location.pathname.split('/').pop()).normalize('NFC').trim().toUpperCase().replace(/\//g, '-');
    const key = published.keys.find(each => each.id === hex(content.slice(1, 5)));
    if (!key) return { verdict: 'unknown-key' };
    const head = new TextEncoder().encode(PURPOSE + '\n' + number + '\n');
    const message = new Uint8Array([...head, ...body]);
    if (!await isSigned(unhex(key.public_key), content.slice(-SIGNATURE), message)) return { verdict: 'forged' };
    const [name, unit, contest, result] = textOf(body.slice(HEAD), published.letters).split('\n');
    const issued = new Date(Date.UTC(2020, 0, 1 + (body[6] << 8 | body[7]))).toISOString().slice(0, 10);
    const is_trusted = !key.distrusted_at && (!key.last_day || issued <= key.last_day);
    return { verdict: is_trusted ? 'signed' : 'stale-key', number, kind: KINDS[body[5]], name, unit, contest, result, issued: shown(issued) };
  }
  function show(found, published) {
    /* What the register shows and what the QR says are the same, or the paper is not what was issued. */
    const told = paper.dataset.name;
    if (found.verdict === 'signed' && told && found.name !== told) found.verdict = 'other';
    paper.hidden = false;
    paper.querySelectorAll('[data-verdict]').forEach(each => { each.hidden = each.dataset.verdict !== found.verdict; });
    paper.querySelectorAll('[data-as-of]').forEach(each => { each.textContent = shown(published.as_of.slice(0, 10)); });
    paper.dataset.verdict = found.verdict;
    if (found.verdict !== 'signed') return;
    paper.querySelectorAll('[data-field]').forEach(each => {
      const value = found[each.dataset.field];
      each.textContent = value || '';
      each.parentElement.hidden = !value;
    });
    paper.querySelectorAll('[data-kind]').forEach(each => { each.hidden = each.dataset.kind !== found.kind; });
  }
  function start() {
    if (!payload) {
      if ('offline' in paper.dataset) { paper.hidden = false; show({ verdict: 'none' }, { as_of: '' }); }
      return;
    }
    fetch(keysAddress, { headers: { Accept: 'application/json' } })
      .then(reply => { if (!reply.ok) throw new Error(reply.status); return reply.json(); })
      .then(published => read(published).catch(() => ({ verdict: 'forged' })).then(found => show(found, published)), () => show({ verdict: 'no-keys' }, { as_of: '' }));
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start); else start();
})();

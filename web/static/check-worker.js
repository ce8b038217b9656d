/* Keeps the page that checks a certificate's QR, so that it opens without a network after a first visit. What is kept is named by web/pages/check.py, which puts the list in front of this file. */
'use strict';
const CACHE = 'chung-nhan-' + KEPT.version, WAIT_MS = 5000;
self.addEventListener('install', event => event.waitUntil(
  caches.open(CACHE).then(cache => cache.addAll([KEPT.page, KEPT.keys, ...KEPT.files])).then(() => self.skipWaiting())));
self.addEventListener('activate', event => event.waitUntil(
  caches.keys().then(names => Promise.all(names.filter(name => name.startsWith('chung-nhan-') && name !== CACHE).map(name => caches.delete(name))))
    .then(() => self.clients.claim())));
const fromNetwork = request => Promise.race([fetch(request), new Promise((_, fail) => setTimeout(() => fail(new Error('slow')), WAIT_MS))]);
const kept = address => caches.open(CACHE).then(cache => cache.match(address)).then(found => found || Response.error());
/* The newest keys that could be had; the kept ones only without a network. */
const keys = request => fromNetwork(request).then(reply => {
  if (reply.ok) { const copy = reply.clone(); caches.open(CACHE).then(cache => cache.put(KEPT.keys, copy)); }
  return reply;
}, () => kept(KEPT.keys));
self.addEventListener('fetch', event => {
  const { request } = event, path = new URL(request.url).pathname;
  if (request.method !== 'GET') return;
  if (path === KEPT.keys) event.respondWith(keys(request));
  else if (KEPT.files.includes(path)) event.respondWith(kept(path).then(found => found.type === 'error' ? fetch(request) : found));
  else if (request.mode === 'navigate' && !path.endsWith('.pdf')) event.respondWith(fromNetwork(request).catch(() => kept(KEPT.page)));
});

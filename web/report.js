// SPDX-License-Identifier: MIT
// Search over heads and texts, what the pointer is on, and other depths of the map, all from the
// page's data. Without scripts these are not there and everything else works.
(function () {
  'use strict';
  var data = JSON.parse(document.getElementById('data').textContent);
  var form = document.getElementById('search'), map = document.getElementById('map');
  var box = form.querySelector('input'), out = form.querySelector('output');
  var lower = data.texts.map(function (text) { return text.toLowerCase(); });
  var cells = {}, timer;
  function list(selector, from) {
    return Array.prototype.slice.call((from || document).querySelectorAll(selector));
  }
  // As cs_number_share (src/base/number_text.c); shares are 0 or more.
  function percent(share) {
    var size = 100 * share;
    var digits = size < 0.0995 ? 4 : size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 99.95 ? 1 : 2;
    var text = size === 0 ? '0' : size < 0.01 ? '<0.01' : size >= 99.995 && size < 100 ? '>99.99' :
      size === 100 ? '100' : size.toFixed(digits);
    return text + '\u00A0%';
  }
  list('.map a', map).forEach(function (a) { cells[a.getAttribute('href').slice(1)] = a; });

  // ---- Search ----

  var heads = data.heads.map(function (head) {
    var card = document.getElementById(head.head);
    return {
      data: head,
      card: card,
      cell: cells[head.head],
      title: card.querySelector('h4').textContent.toLowerCase(),
      rows: list('tbody th', card),
      details: list('details', card),
      fold: card.closest('details')
    };
  });
  function search() {
    var words = box.value.trim().toLowerCase(), count = 0, texts = 0;
    function holds(text) { return words && lower[text].indexOf(words) >= 0; }
    heads.forEach(function (h) {
      var hit = !words || h.title.indexOf(words) >= 0 || h.data.near_duplicates.some(holds);
      var inside = false;
      h.data.texts.forEach(function (text, i) {
        var found = holds(text);
        h.rows[i].style.fontWeight = found ? 600 : '';
        if (!found) return;
        hit = true;
        texts++;
        if (h.rows[i].closest('details')) inside = true;
      });
      h.card.hidden = !hit;
      if (h.cell) h.cell.classList.toggle('away', !hit);
      h.details.forEach(function (d) { d.open = inside; });
      if (hit && words && h.fold) h.fold.open = true;
      if (hit) count++;
    });
    list('.layer').forEach(function (layer) {
      layer.hidden = !layer.querySelector('.card:not([hidden])');
    });
    out.textContent = !words ? '' : count + ' of ' + heads.length + ' heads, ' + texts + ' texts';
  }
  form.hidden = false;
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    search();
  });
  box.addEventListener('input', function () {
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  list('.map').forEach(function (table) {
    table.addEventListener('click', function () {
      if (!box.value) return;
      box.value = '';
      search();
    });
  });

  // ---- Cards that are folded away ----

  function reveal() {
    var card = document.getElementById(location.hash.slice(1));
    var fold = card && card.closest('details');
    if (!fold || fold.open) return;
    fold.open = true;
    card.scrollIntoView();
  }
  window.addEventListener('hashchange', reveal);
  reveal();

  // ---- What the pointer or the keyboard is on ----

  var note = document.createElement('p');
  note.className = 'note hover';
  function tell(h) {
    note.textContent = h.cell.getAttribute('aria-label');
    h.data.texts.slice(0, 3).forEach(function (text, i) {
      var name = document.createElement('bdi');
      name.textContent = data.texts[text];
      note.append(i ? ', \u201C' : '. Basis texts: \u201C', name,
        '\u201D\u00A0' + percent(h.data.shares[i]));
    });
    note.append('.');
  }
  note.textContent = 'Point at a head, or reach it with Tab, to read its basis texts.';
  heads.forEach(function (h) {
    if (!h.cell) return;
    h.cell.addEventListener('pointerenter', function () { tell(h); });
    h.cell.addEventListener('focus', function () { tell(h); });
  });

  // ---- Other sizes of the marks ----

  var depths = [
    {key: 'share', name: 'share of the embedding\u2019s variance', root: true},
    {key: 'explained', name: 'variance explained by texts of one category'},
    {key: 'stability', name: 'stability of that category\u2019s first text'}
  ].filter(function (depth) {
    return data.heads.some(function (head) { return head[depth.key] > 0; });
  });
  var choice = document.createElement('select'), label = document.createElement('label');
  var key = map.querySelector('.depth');
  function shade(depth) {
    var most = 0;
    heads.forEach(function (h) { most = Math.max(most, h.data[depth.key] || 0); });
    heads.forEach(function (h) {
      var part = Math.max(0, h.data[depth.key] || 0) / most;
      if (h.cell) h.cell.style.setProperty('--s', (depth.root ? Math.sqrt(part) : part).toFixed(2));
    });
    if (!key) return;
    list('.step', key).forEach(function (step, i, steps) {
      var part = i / (steps.length - 1);
      step.lastChild.textContent = ' ' + percent(most * (depth.root ? part * part : part));
    });
  }
  if (depths.length > 1 && key) {
    depths.forEach(function (depth) {
      var option = document.createElement('option');
      option.textContent = depth.name;
      choice.appendChild(option);
    });
    choice.addEventListener('change', function () { shade(depths[choice.selectedIndex]); });
    label.textContent = 'Size: ';
    label.appendChild(choice);
    key.replaceChild(label, key.firstChild);
  }
  if (map.querySelector('.scroll')) map.querySelector('.scroll').after(note);
})();

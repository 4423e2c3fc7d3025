// SPDX-License-Identifier: MIT
// Choosing a text, a head or a layer, and drawing its map. Without scripts all texts stand one below
// the other, each with its own drawings.
(function () {
  'use strict';
  var data = JSON.parse(document.getElementById('data').textContent);
  var H = data.heads, N = data.tokens, all = data.layers * H, columns = data.columns;
  var first = document.querySelector('.plain img'), base = null, maps = {};
  var canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
  var out = document.createElement('output'), back = document.createElement('button');
  var state = {text: 0, from: 0, to: all, patch: -1};
  function list(selector, from) {
    return Array.prototype.slice.call((from || document).querySelectorAll(selector));
  }
  function fine(value) {
    var size = Math.abs(value);
    var digits = size >= 0.00995 ? 4 : size >= 0.000995 ? 5 : size >= 0.0000995 ? 6 : 7;
    return (value < 0 ? '\u2212' : value > 0 ? '+' : '') + size.toFixed(digits);
  }
  /* Scores of a text: [heads, tokens] as they were packed. */
  function scores(text) {
    if (maps[text]) return maps[text];
    var bytes = atob(data.maps[text]), to = new Float32Array(all * N), i;
    for (i = 0; i < to.length; i++) {
      var whole = bytes.charCodeAt(2 * i) | bytes.charCodeAt(2 * i + 1) << 8;
      to[i] = (whole << 16 >> 16) / 32767 * data.limits[Math.floor(i / N)];
    }
    maps[text] = to;
    return to;
  }
  /* The chosen heads together, and the largest size of a patch over all texts. */
  function chosen(text) {
    var from = scores(text), to = new Float32Array(N), i, j;
    for (i = state.from; i < state.to; i++)
      for (j = 0; j < N; j++) to[j] += from[i * N + j];
    return to;
  }
  function limit() {
    var most = 1e-30, t, j, map;
    if (state.to - state.from === all) return data.limit;
    for (t = 0; t < data.maps.length; t++) {
      map = chosen(t);
      for (j = 1; j < N; j++) most = Math.max(most, Math.abs(map[j]));
    }
    return most;
  }
  /* The image in grey, and where its columns and rows lie on the grid: -1 outside. */
  function places(side, size, count) {
    var to = [], i, u, at;
    for (i = 0; i < size; i++) {
      u = (i + 0.5) / size;
      at = Math.min(Math.max(u * side[0] + side[1], 0), count - 1);
      to.push(u < side[2] || u >= side[3] ? -1 : at);
    }
    return to;
  }
  function prepare() {
    var w = canvas.width = first.naturalWidth, h = canvas.height = first.naturalHeight, i, d;
    pen.drawImage(first, 0, 0);
    d = pen.getImageData(0, 0, w, h).data;
    base = {w: w, h: h, grey: new Float32Array(w * h), x: places(data.x, w, columns),
      y: places(data.y, h, data.rows)};
    for (i = 0; i < w * h; i++)
      base.grey[i] = 36 + 0.72 * (0.299 * d[4 * i] + 0.587 * d[4 * i + 1] +
        0.114 * d[4 * i + 2]);
  }
  function between(map, gy, gx) {
    var y0 = Math.floor(gy), y1 = Math.min(y0 + 1, data.rows - 1), fy = gy - y0;
    var x0 = Math.floor(gx), x1 = Math.min(x0 + 1, columns - 1), fx = gx - x0;
    function at(y, x) { return map[1 + y * columns + x]; }
    return (1 - fy) * ((1 - fx) * at(y0, x0) + fx * at(y0, x1)) +
      fy * ((1 - fx) * at(y1, x0) + fx * at(y1, x1));
  }
  function draw(map, most) {
    var image = pen.createImageData(base.w, base.h), d = image.data, x, y, c, i = 0;
    for (y = 0; y < base.h; y++)
      for (x = 0; x < base.w; x++, i++) {
        var grey = base.grey[i], value, part, end;
        d[4 * i + 3] = 255;
        if (base.x[x] < 0 || base.y[y] < 0) {
          value = grey * 0.6 + ((x + y) % 6 ? 0 : 90);
          d[4 * i] = d[4 * i + 1] = d[4 * i + 2] = value;
          continue;
        }
        value = between(map, base.y[y], base.x[x]) / most;
        part = 0.85 * Math.min(1, Math.abs(value));
        end = value < 0 ? data.under : data.over;
        for (c = 0; c < 3; c++) d[4 * i + c] = (1 - part) * grey + part * end[c];
      }
    pen.putImageData(image, 0, 0);
    frame();
  }
  /* The patch that is looked at. */
  function frame() {
    var x, y, w, h;
    if (state.patch < 0) return;
    w = base.w / data.x[0];
    h = base.h / data.y[0];
    x = (state.patch % columns - 0.5 - data.x[1]) * w;
    y = (Math.floor(state.patch / columns) - 0.5 - data.y[1]) * h;
    pen.lineWidth = 3;
    pen.strokeStyle = '#000';
    pen.strokeRect(x, y, w, h);
    pen.lineWidth = 1;
    pen.strokeStyle = '#fff';
    pen.strokeRect(x, y, w, h);
  }
  function name(head) { return 'L' + Math.floor(head / H) + '.H' + head % H; }
  /* What is chosen, in words; what the patch adds, and through which heads. */
  function title(section) {
    var count = state.to - state.from, cell;
    if (count === all) return 'All heads together';
    if (count > 1) return 'All heads of layer ' + state.from / H;
    cell = section.querySelector('[data-cell="' + state.from + '"]');
    return cell.getAttribute('aria-label');
  }
  function read(map) {
    var from = scores(state.text), best = [], i, j = state.patch + 1;
    if (j < 1) {
      out.textContent = 'Point at a patch, or reach the image with Tab and use the ' +
        'arrow keys, to read its part.';
      return;
    }
    for (i = state.from; i < state.to; i++) best.push(i);
    best.sort(function (a, b) {
      return Math.abs(from[b * N + j]) - Math.abs(from[a * N + j]);
    });
    out.textContent = 'Row ' + Math.floor(state.patch / columns) + ', column ' +
      state.patch % columns + ': ' + fine(map[j]) + (best.length < 2 ? '' :
      ', most through ' + best.slice(0, 3).map(function (i) {
        return name(i) + ' ' + fine(from[i * N + j]);
      }).join(', '));
  }
  function update() {
    var section = document.getElementById('t' + state.text), most = limit();
    var map = chosen(state.text), view = section.querySelector('.view');
    var single = state.to - state.from === 1 ? String(state.from) : '';
    list('.text').forEach(function (other) { other.hidden = other !== section; });
    list('.texts a').forEach(function (a) {
      var here = a.getAttribute('href') === '#' + section.id;
      if (here) a.setAttribute('aria-current', 'true');
      else a.removeAttribute('aria-current');
    });
    view.querySelector('.stage').appendChild(canvas);
    view.querySelector('.stage img').hidden = true;
    view.querySelector('figcaption').appendChild(out);
    view.querySelector('.what').textContent = title(section);
    view.querySelector('.what').appendChild(back);
    back.hidden = state.to - state.from === all;
    view.querySelector('.low').textContent = fine(-most);
    view.querySelector('.high').textContent = fine(most);
    list('[data-cell]', section).forEach(function (b) {
      b.setAttribute('aria-pressed', String(b.getAttribute('data-cell') === single));
    });
    list('.heads li', section).forEach(function (li) {
      var img = li.querySelector('img');
      if (img) img.setAttribute('aria-pressed',
        String(li.getAttribute('data-head') === single));
    });
    canvas.setAttribute('aria-label', title(section) + ', drawn over the image');
    if (base) draw(map, most);
    read(map);
  }
  function choose(from, to) {
    if (state.from === from && state.to === to) to = (from = 0) + all;
    state.from = from;
    state.to = to;
    update();
    if (window.innerWidth < 1000) canvas.scrollIntoView({block: 'nearest'});
  }
  function button(element, label, act) {
    element.setAttribute('role', 'button');
    if (label) element.title = label;
    element.addEventListener('click', act);
    element.addEventListener('keydown', function (event) {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      act();
    });
  }
  /* One cell of a grid is reached by Tab, the others by arrow keys. */
  function grid(section) {
    var cells = list('.parts td b', section);
    cells.forEach(function (b, i) {
      var head = (data.layers - 1 - Math.floor(i / H)) * H + i % H;
      b.setAttribute('data-cell', head);
      b.tabIndex = i ? -1 : 0;
      button(b, b.getAttribute('aria-label'), function () { choose(head, head + 1); });
      b.addEventListener('keydown', function (event) {
        var step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -H, ArrowDown: H}[event.key];
        if (!step || !cells[i + step]) return;
        event.preventDefault();
        b.tabIndex = -1;
        cells[i + step].tabIndex = 0;
        cells[i + step].focus();
      });
    });
    list('.parts tbody th', section).forEach(function (th, i) {
      var layer = data.layers - 1 - i, b = document.createElement('b');
      b.textContent = th.textContent;
      th.textContent = '';
      th.appendChild(b);
      b.tabIndex = 0;
      button(b, 'All heads of layer ' + layer, function () {
        choose(layer * H, layer * H + H);
      });
    });
    list('.heads li', section).forEach(function (li) {
      var head = +li.getAttribute('data-head'), img = li.querySelector('img');
      if (!img) return;
      img.tabIndex = 0;
      img.alt = 'Map of ' + name(head);
      button(img, 'Show ' + name(head) + ' large', function () { choose(head, head + 1); });
    });
  }
  function look(patch) {
    if (patch === state.patch) return;
    state.patch = patch;
    var map = chosen(state.text);
    if (base) draw(map, limit());
    read(map);
  }
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  out.setAttribute('aria-live', 'polite');
  canvas.addEventListener('pointermove', function (event) {
    var box = canvas.getBoundingClientRect(), x, y;
    if (!base) return;
    x = base.x[Math.floor((event.clientX - box.left) / box.width * base.w)];
    y = base.y[Math.floor((event.clientY - box.top) / box.height * base.h)];
    look(x >= 0 && y >= 0 ? Math.round(y) * columns + Math.round(x) : -1);
  });
  canvas.addEventListener('pointerleave', function () { look(-1); });
  canvas.addEventListener('keydown', function (event) {
    var steps = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns};
    var step = steps[event.key];
    if (event.key === 'Escape') look(-1);
    if (!step) return;
    event.preventDefault();
    step = state.patch < 0 ? 0 : state.patch + step;
    if (step >= 0 && step < data.rows * columns) look(step);
  });
  back.type = 'button';
  back.textContent = 'show all heads';
  back.addEventListener('click', function () { choose(0, all); });
  list('.text').forEach(grid);
  list('.hint').forEach(function (p) {
    p.textContent += ' Choose a head or a layer to see its map; choose it again for all.';
  });
  list('.view').forEach(function (view) {
    var inner = document.createElement('div');
    inner.className = 'fixed';
    while (view.firstChild) inner.appendChild(view.firstChild);
    view.appendChild(inner);
  });
  function follow() {
    var id = location.hash.slice(1);
    if (/^t[0-9]+$/.test(id) && document.getElementById(id)) state.text = +id.slice(1);
    update();
  }
  state.text = +document.querySelector('.text').id.slice(1);
  list('.texts a').forEach(function (a) {
    a.addEventListener('click', function (event) {
      event.preventDefault();
      history.replaceState(null, '', a.getAttribute('href'));
      follow();
    });
  });
  window.addEventListener('hashchange', follow);
  function begin() {
    prepare();
    follow();
  }
  if (first.complete) begin();
  else first.addEventListener('load', begin);
})();

// The first file that node reads, for every node there ever was: ES5 only. A program that cannot
// run the command line tool says so in a frame (length, four bytes, little endian; JSON), and the
// launcher tries the next node.
'use strict';

// Node opens its inspector on SIGUSR1, says so on the user's terminal, and goes on, unless there is
// a listener. --disable-sigusr1 is not known to every node, and an unknown option is printed.
process.on('SIGUSR1', function () {});

var OLDEST = [20, 17];
var ANSWER = 3;

function whyUnsuitable(versions) {
  var foreign = { bun: 'Bun', deno: 'Deno', electron: 'Electron' };
  for (var key in foreign) {
    if (versions[key]) {
      return 'it is ' + foreign[key] + ' ' + versions[key] + ', not Node.js';
    }
  }
  var parts = String(versions.node).split('.');
  var major = Number(parts[0]);
  if (major > OLDEST[0] || (major === OLDEST[0] && Number(parts[1]) >= OLDEST[1])) {
    return null;
  }
  return (
    'it is Node.js ' + versions.node + ', and fuselage needs ' + OLDEST.join('.') + ' or newer'
  );
}

function answerUnsuitable(reason) {
  var text = JSON.stringify({ answer: 'unsuitable', reason: reason });
  var length = Buffer.byteLength(text);
  var frame = Buffer.from && Buffer.alloc ? Buffer.alloc(length + 4) : new Buffer(length + 4);
  frame.writeUInt32LE(length, 0);
  frame.write(text, 4);
  require('fs').writeSync(ANSWER, frame, 0, frame.length, null);
}

var reason = whyUnsuitable(process.versions);
if (reason === null) {
  require('./cli.cjs');
} else {
  answerUnsuitable(reason);
}

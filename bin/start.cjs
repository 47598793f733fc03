// Starts the command line: in a checkout from its source, in the published package, which ships
// JavaScript only, from what was built.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const url = require('node:url');

const source = path.join(__dirname, '..', 'src', 'cli', 'main.ts');
const built = path.join(__dirname, '..', 'dist', 'cli', 'main.js');

import(url.pathToFileURL(fs.existsSync(source) ? source : built).href).then(
  (cli) => cli.start(process.argv.slice(2)),
  (error) => {
    const reason = String(error?.message ?? error).split('\n')[0];
    process.stderr.write(
      `ringfence: it could not be started (${reason}): install it again with \`npm install\`.\n`,
    );
    process.exitCode = 125;
  },
);

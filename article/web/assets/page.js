// What the pages do beyond being read. All of it is here to help: without scripts they show stills, tables and titles.

import { start } from "./address.js";
import "./contents.js";
import { watch } from "./figure.js";
import "./film.js";
import "./labels.js";
import "./notes.js";
import "./share.js";
import "./walk.js";

if (document.getElementById("numbers")) import("./numbers.js");
start();
watch();

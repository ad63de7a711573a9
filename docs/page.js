
import { start } from "./address.js?bd2b7fc6d6";
import "./contents.js?bd2b7fc6d6";
import { watch } from "./figure.js?bd2b7fc6d6";
import "./film.js?bd2b7fc6d6";
import "./labels.js?bd2b7fc6d6";
import "./notes.js?bd2b7fc6d6";
import "./shade.js?bd2b7fc6d6";
import "./share.js?bd2b7fc6d6";
import "./walk.js?bd2b7fc6d6";

if (document.getElementById("numbers")) import("./numbers.js?bd2b7fc6d6");
start();
watch();

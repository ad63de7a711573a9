
import { start } from "./address.js?c1994bff90";
import "./contents.js?c1994bff90";
import { watch } from "./figure.js?c1994bff90";
import "./film.js?c1994bff90";
import "./labels.js?c1994bff90";
import "./notes.js?c1994bff90";
import "./shade.js?c1994bff90";
import "./share.js?c1994bff90";
import "./walk.js?c1994bff90";

if (document.getElementById("numbers")) import("./numbers.js?c1994bff90");
start();
watch();

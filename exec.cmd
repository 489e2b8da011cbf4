@rem The npm scripts say `exec node ...`, so that no shell stays between npm and the server and keeps the signals to itself.
@rem cmd.exe has no exec, and needs none.
@%*

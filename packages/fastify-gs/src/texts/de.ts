import type { Translation } from './translation.ts'

/** German. Speaks to people with „Sie“. */
export const texts: Translation = {
  GS_BODY_INVALID: 'Der Server hat diese Eingaben nicht verstanden: {reason}',
  GS_QUERY_INVALID: 'Der Server hat diese Anfrage nicht verstanden: {reason}',
  GS_BODY_TOO_LARGE: 'Das ist zu viel auf einmal; 16 KiB sind die Grenze.',
  GS_CONTENT_TYPE: 'Senden Sie ein Formular (application/x-www-form-urlencoded) oder, wo es angenommen wird, JSON (application/json).',
  GS_USERNAME_INVALID: '{reason}',
  GS_USERNAME_TAKEN: 'Dieser Benutzername ist vergeben. Bitte wählen Sie einen anderen.',
  GS_EMAIL_INVALID: '{reason}',
  GS_PASSWORD_WEAK: '{reason}',
  GS_PASSWORD_INVALID: '{reason}',
  GS_CREDENTIALS: 'Der Benutzername oder das Passwort ist falsch.',
  GS_ACCOUNT_LOCKED: 'Dieses Konto ist gesperrt. Bitte wenden Sie sich an die Betreiber dieser Website.',
  GS_ACCOUNT_UNKNOWN: 'Dieses Konto gibt es nicht.',
  GS_CURRENT_PASSWORD: 'Das aktuelle Passwort ist falsch.',
  GS_CURRENT_PASSWORD_REQUIRED: 'Bitte geben Sie Ihr aktuelles Passwort ein.',
  GS_LINK_INVALID: 'Dieser Link ist ungültig. Vielleicht hat das E-Mail-Programm ihn abgeschnitten.',
  GS_LINK_EXPIRED: 'Dieser Link ist abgelaufen. Bitte fordern Sie einen neuen an.',
  GS_LINK_USED: 'Dieser Link wurde bereits verwendet, oder es wurde ein neuerer gesendet.',
  GS_EMAIL_TAKEN:
    'Ein anderes Konto hat diese Adresse vorher bestätigt. Bitte löschen Sie jenes Konto oder geben Sie ihm eine andere Adresse, und versuchen Sie es dann erneut.',
  GS_EMAIL_SAME: 'Das ist bereits die Adresse Ihres Kontos.',
  GS_SESSION_UNKNOWN: 'Diese Sitzung ist bereits beendet.',
  GS_MAIL_UNKNOWN: 'Diese E-Mail ist nicht mehr in der Warteschlange.',
  GS_SECTOR_UNKNOWN: 'Einen Sektor dieses Namens gibt es nicht: {reason}',
  GS_RANK: 'Sie können nur Konten unterhalb Ihrer eigenen Stufe ändern und nur Stufen unterhalb Ihrer eigenen vergeben.',
  GS_NOT_LOGGED_IN: 'Bitte melden Sie sich zuerst an.',
  GS_PASSWORD_CHANGE_REQUIRED: 'Bitte wählen Sie zuerst ein neues Passwort.',
  GS_CODE_INVALID: 'Dieser Code ist falsch oder abgelaufen. Bitte fordern Sie einen neuen an.',
  GS_SESSION_REFUSED: '{reason}',
  GS_LOGIN_REFUSED: '{reason}',
  GS_SESSION_LIMIT:
    'Sie sind auf so vielen Geräten angemeldet, wie diese Website erlaubt. Bitte melden Sie sich zuerst auf einem anderen ab.',
  GS_SESSIONS_FULL: 'Zurzeit sind mehr Besucher da, als diese Website aufnehmen kann. Bitte versuchen Sie es später erneut.',
  GS_CSRF: 'Dieses Formular gehört nicht mehr zu Ihrer Sitzung. Bitte laden Sie die Seite neu.',
  GS_DATA_TOO_LARGE: 'Das ist mehr, als eine Sitzung aufnehmen kann: {reason}',
  GS_SETTING_INVALID: '{reason}',
  GS_GROUP_INVALID: '{reason}',
  GS_GROUP_UNKNOWN: 'Diese Gruppe gibt es nicht.',
  GS_GROUP_TAKEN: 'Eine Gruppe dieses Namens gibt es bereits.',
  GS_FORBIDDEN: 'Ihr Konto ist dazu nicht berechtigt.',
  GS_NOT_FOUND: 'Hier gibt es nichts.',
  GS_CROSS_SITE: 'Diese Anfrage kam von einer anderen Website und wurde abgelehnt.',
  GS_CONFIGURED_ADMIN: 'Dieses Konto ist in der Konfiguration des Servers festgelegt; ändern Sie es dort.',
  GS_CONFLICT: 'Das Konto wurde im selben Augenblick geändert. Bitte versuchen Sie es erneut.',
  GS_TOO_MANY_ATTEMPTS: 'Zu viele Versuche. Bitte warten Sie und versuchen Sie es dann erneut.',
  GS_PASSWORD_DISABLED: 'Zu viele falsche Passwörter. Legen Sie über „Passwort vergessen?“ ein neues fest.',
  GS_TOO_MANY_SOCKETS: 'Es sind zu viele Verbindungen offen. Bitte schließen Sie einige Fenster und versuchen Sie es erneut.',
  GS_BUSY: 'Der Server ist ausgelastet. Bitte versuchen Sie es in einem Augenblick erneut.',
  GS_UPSTREAM: 'Der Server, der hier antworten soll, antwortet nicht. Bitte versuchen Sie es später erneut.',
  GS_INTERNAL: 'Auf dem Server ist etwas schiefgegangen. Bitte versuchen Sie es später erneut.',

  'reason.username.form': "Ein Benutzername beginnt mit einem Buchstaben oder einer Ziffer und enthält nur Buchstaben, Ziffern und . _ - '",
  'reason.username.length': 'Ein Benutzername hat 2 bis 32 Zeichen.',
  'reason.username.address': 'Ein Benutzername darf nicht wie eine Webadresse aussehen.',
  'reason.username.alphabets': 'Ein Benutzername wird in einem einzigen Alphabet geschrieben; dieser mischt mehrere.',
  'reason.username.marks': 'Ein Benutzername darf nicht so viele Zeichen über einem Buchstaben tragen.',
  'reason.username.confirm': 'Bitte geben Sie hier zur Bestätigung Ihren Benutzernamen ein.',
  'reason.email': 'An diese Adresse kann keine E-Mail gesendet werden. Bitte geben Sie sie in der Form name@example.com ein.',
  'reason.password.short': 'Nehmen Sie mindestens {count} Zeichen; mehrere Wörter ergeben ein gutes Passwort.',
  'reason.password.personal': 'Nehmen Sie nicht Ihren Namen, Ihre Adresse oder den Namen dieser Website als Passwort.',
  'reason.password.common': 'Dieses Passwort gehört zu denen, die Angreifer zuerst probieren. Bitte wählen Sie ein anderes.',
  'reason.password.damaged': 'Das Passwort enthält beschädigte Zeichen.',
  'reason.password.long': 'Das Passwort ist zu lang; 1024 Byte sind die Grenze.',
  'reason.password.same': 'Das ist Ihr jetziges Passwort. Bitte wählen Sie ein anderes.',
  'reason.password.repeat': 'Die beiden Passwörter stimmen nicht überein.',
  'reason.session.refused': 'Diese Website nimmt zurzeit keine neuen Besucher auf.',
  'reason.login.refused': 'Sie können sich zurzeit nicht anmelden.',
  'reason.group.name':
    "Der Name einer Gruppe beginnt mit einem Buchstaben oder einer Ziffer, enthält nur Buchstaben, Ziffern und . _ - ' und hat höchstens 64 Zeichen.",
  'reason.group.level': 'Die Stufe einer Gruppe ist eine ganze Zahl von {lowest} bis {highest}.',

  'mail.hello': 'Guten Tag {username},',
  'mail.contact': 'Fragen? Unter {contact} antwortet Ihnen ein Mensch.',
  'mail.verify-email.subject': 'Bestätigen Sie Ihre Adresse für {siteName}',
  'mail.verify-email.text':
    'jemand (von der Adresse {ip}) hat sich bei {siteName} mit dieser E-Mail-Adresse registriert. Wenn Sie es waren, bestätigen Sie die Adresse bitte:',
  'mail.verify-email.button': 'Meine Adresse bestätigen',
  'mail.verify-email.after':
    'Der Link funktioniert einmal und ist {duration} gültig; ein Konto, das bis dahin nicht bestätigt ist, wird gelöscht.\nWenn Sie es nicht waren, brauchen Sie nichts zu tun.',
  'mail.forgot-password.subject': 'Legen Sie ein neues Passwort für {siteName} fest',
  'mail.forgot-password.text':
    'jemand (von der Adresse {ip}) hat ein neues Passwort für Ihr Konto bei {siteName} angefordert. Wenn Sie es waren, geht es hier weiter:',
  'mail.forgot-password.button': 'Neues Passwort festlegen',
  'mail.forgot-password.after':
    'Der Link funktioniert einmal und ist {duration} gültig.\nWenn Sie es nicht waren, beachten Sie diese E-Mail nicht: Ihr Passwort bleibt, wie es ist.',
  'mail.forgot-password.text.admin':
    'die Betreiber von {siteName} haben das Passwort Ihres Kontos ungültig gemacht und Sie überall abgemeldet. Legen Sie hier ein neues fest:',
  'mail.forgot-password.after.admin':
    'Der Link funktioniert einmal und ist {duration} gültig.\nSpäter bekommen Sie einen neuen über „Passwort vergessen?“: {loginUrl}',
  'mail.change-email.subject': 'Bestätigen Sie Ihre neue Adresse für {siteName}',
  'mail.change-email.text':
    'jemand (von der Adresse {ip}) möchte diese Adresse zur E-Mail-Adresse des Kontos „{username}“ bei {siteName} machen. Wenn Sie es waren, bestätigen Sie sie bitte:',
  'mail.change-email.button': 'Meine neue Adresse bestätigen',
  'mail.change-email.after':
    'Der Link funktioniert einmal und ist {duration} gültig; bis Sie ihn öffnen, behält das Konto seine bisherige Adresse.\nWenn Sie es nicht waren, öffnen Sie den Link nicht: Ohne ihn ändert sich nichts.',
  'mail.login-code.subject': 'Ihr Code für {siteName}',
  'mail.login-code.text':
    'jemand (von der Adresse {ip}) möchte sich in Ihrem Konto bei {siteName} anmelden. Wenn Sie es sind, geben Sie diesen Code ein:',
  'mail.login-code.after':
    'Er funktioniert einmal und ist {duration} gültig. Verraten Sie ihn niemandem: Die Betreiber der Website fragen nie danach.\nWenn Sie es nicht sind, beachten Sie diese E-Mail nicht: Ohne den Code kommt niemand hinein.',
  'mail.password-off.subject': 'Das Passwort Ihres Kontos bei {siteName} ist abgeschaltet',
  'mail.password-off.text':
    'jemand hat für Ihr Konto bei {siteName} so viele falsche Passwörter probiert, dass es keines mehr annimmt. Angemeldete Geräte bleiben angemeldet. Schalten Sie es hier wieder ein, und wählen Sie ein neues, falls das alte leicht zu erraten war:',
  'mail.password-off.button': 'Mein Passwort wieder einschalten',
  'mail.password-off.after':
    'Der Link funktioniert einmal und ist {duration} gültig. Später bekommen Sie einen neuen über „Passwort vergessen?“.',
  'mail.already-registered.subject': 'Sie haben bereits ein Konto bei {siteName}',
  'mail.already-registered.text':
    'jemand (von der Adresse {ip}) wollte sich bei {siteName} mit dieser E-Mail-Adresse registrieren. Sie gehört zu Ihrem Konto „{username}“, deshalb kann kein anderes Konto damit bestätigt werden.\nWenn Sie es waren, melden Sie sich stattdessen an, oder fordern Sie dort ein neues Passwort an: {loginUrl}',
  'mail.already-registered.after': 'Wenn Sie es nicht waren, brauchen Sie nichts zu tun.',
  'mail.email-in-use.subject': 'Ihre Adresse wird bei {siteName} bereits verwendet',
  'mail.email-in-use.text':
    'jemand (von der Adresse {ip}) möchte diese Adresse zur E-Mail-Adresse eines anderen Kontos bei {siteName} machen. Sie gehört zu Ihrem Konto „{username}“, deshalb kann kein anderes Konto sie haben.\nWenn Sie es waren, ändern Sie zuerst die Adresse dieses Kontos, oder löschen Sie dieses Konto.',
  'mail.email-in-use.after': 'Wenn Sie es nicht waren, brauchen Sie nichts zu tun.',
  'mail.email-changed.subject': 'Ihre E-Mail-Adresse für {siteName} wurde geändert',
  'mail.email-changed.text':
    'das Konto „{username}“ bei {siteName} hat jetzt eine andere E-Mail-Adresse (geändert von der Adresse {ip} aus). E-Mails dazu kommen nicht mehr hierher.',
  'mail.email-changed.undo': 'Wenn Sie es nicht waren, holen Sie sich das Konto zurück:',
  'mail.email-changed.button': 'Änderung rückgängig machen',
  'mail.email-changed.after':
    'Der Link funktioniert einmal und ist {duration} gültig. Er stellt diese Adresse wieder her, meldet alle Geräte ab und lässt Sie ein neues Passwort festlegen.\nWenn Sie es waren, brauchen Sie nichts zu tun.',
  'mail.email-changed.after.unlinked':
    'Das lässt sich nicht mehr rückgängig machen: Das Konto wurde seitdem gelöscht. Wenn Sie das nicht waren, schreiben Sie bitte den Betreibern der Website.',
  'mail.password-changed.subject': 'Ihr Passwort für {siteName} wurde geändert',
  'mail.password-changed.text':
    'das Passwort Ihres Kontos bei {siteName} wurde geändert (von der Adresse {ip} aus). Alle anderen Geräte sind abgemeldet.',
  'mail.password-changed.after': 'Wenn Sie es nicht waren, fordern Sie sofort über „Passwort vergessen?“ ein neues an: {loginUrl}',
  'mail.account-deleted.subject': 'Ihr Konto bei {siteName} wurde gelöscht',
  'mail.account-deleted.text': 'Ihr Konto bei {siteName} wurde gelöscht, wie Sie es wünschten. Dies ist die letzte E-Mail dazu.'
}

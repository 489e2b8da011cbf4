import type { Translation } from './translation.ts'

/** Spanish, for all countries. Speaks to people with «tú». */
export const texts: Translation = {
  GS_BODY_INVALID: 'El servidor no entendió estos datos: {reason}',
  GS_QUERY_INVALID: 'El servidor no entendió esta petición: {reason}',
  GS_BODY_TOO_LARGE: 'Es demasiado de una vez; el límite son 16 KiB.',
  GS_CONTENT_TYPE: 'Envía un formulario (application/x-www-form-urlencoded) o, donde se acepta, JSON (application/json).',
  GS_USERNAME_INVALID: '{reason}',
  GS_USERNAME_TAKEN: 'Este nombre de usuario está ocupado. Elige otro.',
  GS_EMAIL_INVALID: '{reason}',
  GS_PASSWORD_WEAK: '{reason}',
  GS_PASSWORD_INVALID: '{reason}',
  GS_CREDENTIALS: 'El nombre de usuario o la contraseña no son correctos.',
  GS_ACCOUNT_LOCKED: 'Esta cuenta está bloqueada. Consulta a los responsables de este sitio.',
  GS_ACCOUNT_UNKNOWN: 'Esa cuenta no existe.',
  GS_CURRENT_PASSWORD: 'La contraseña actual no es correcta.',
  GS_CURRENT_PASSWORD_REQUIRED: 'Escribe tu contraseña actual.',
  GS_LINK_INVALID: 'Este enlace no es válido. Puede que el programa de correo lo haya cortado.',
  GS_LINK_EXPIRED: 'Este enlace ha caducado. Pide uno nuevo.',
  GS_LINK_USED: 'Este enlace ya se usó, o se envió uno más nuevo.',
  GS_EMAIL_TAKEN: 'Otra cuenta confirmó antes esta dirección. Elimina esa cuenta o dale otra dirección, e inténtalo de nuevo.',
  GS_EMAIL_SAME: 'Esta ya es la dirección de tu cuenta.',
  GS_SESSION_UNKNOWN: 'Esta sesión ya ha terminado.',
  GS_MAIL_UNKNOWN: 'Este correo ya no está en la cola.',
  GS_SECTOR_UNKNOWN: 'No hay ningún sector con este nombre: {reason}',
  GS_RANK: 'Solo puedes cambiar cuentas de un nivel inferior al tuyo y conceder niveles inferiores al tuyo.',
  GS_NOT_LOGGED_IN: 'Primero inicia sesión.',
  GS_PASSWORD_CHANGE_REQUIRED: 'Primero elige una contraseña nueva.',
  GS_CODE_INVALID: 'Este código no es correcto o ha caducado. Pide uno nuevo.',
  GS_SESSION_REFUSED: '{reason}',
  GS_LOGIN_REFUSED: '{reason}',
  GS_SESSION_LIMIT: 'Tienes la sesión iniciada en tantos dispositivos como permite este sitio. Primero cierra la sesión en otro.',
  GS_SESSIONS_FULL: 'En este momento hay más visitantes de los que este sitio puede atender. Inténtalo más tarde.',
  GS_CSRF: 'Este formulario ya no pertenece a tu sesión. Recarga la página.',
  GS_DATA_TOO_LARGE: 'Es más de lo que cabe en una sesión: {reason}',
  GS_SETTING_INVALID: '{reason}',
  GS_GROUP_INVALID: '{reason}',
  GS_GROUP_UNKNOWN: 'Ese grupo no existe.',
  GS_GROUP_TAKEN: 'Ya hay un grupo con este nombre.',
  GS_FORBIDDEN: 'Tu cuenta no tiene permiso para esto.',
  GS_NOT_FOUND: 'Aquí no hay nada.',
  GS_CROSS_SITE: 'Esta petición vino de otro sitio y se rechazó.',
  GS_CONFIGURED_ADMIN: 'Esta cuenta está definida en la configuración del servidor; cámbiala allí.',
  GS_CONFLICT: 'La cuenta se cambió en ese mismo momento. Inténtalo de nuevo.',
  GS_TOO_MANY_ATTEMPTS: 'Demasiados intentos. Espera e inténtalo de nuevo.',
  GS_PASSWORD_DISABLED: 'Demasiadas contraseñas incorrectas. Usa «¿Olvidaste tu contraseña?» para elegir una nueva.',
  GS_TOO_MANY_SOCKETS: 'Hay demasiadas conexiones abiertas. Cierra algunas ventanas e inténtalo de nuevo.',
  GS_BUSY: 'El servidor está ocupado. Inténtalo de nuevo en un momento.',
  GS_UPSTREAM: 'El servidor que debería responder aquí no responde. Inténtalo más tarde.',
  GS_INTERNAL: 'Algo falló en el servidor. Inténtalo más tarde.',

  'reason.username.form': "Un nombre de usuario empieza por una letra o una cifra y solo lleva letras, cifras y . _ - '",
  'reason.username.length': 'Un nombre de usuario tiene de 2 a 32 caracteres.',
  'reason.username.address': 'Un nombre de usuario no puede parecer una dirección web.',
  'reason.username.alphabets': 'Un nombre de usuario se escribe en un solo alfabeto; este mezcla varios.',
  'reason.username.marks': 'Un nombre de usuario no puede llevar tantas marcas sobre una misma letra.',
  'reason.username.confirm': 'Para confirmar, escribe aquí tu nombre de usuario.',
  'reason.email': 'No se puede enviar correo a esta dirección. Escríbela en la forma name@example.com.',
  'reason.password.short': 'Usa al menos {count} caracteres; varias palabras forman una buena contraseña.',
  'reason.password.personal': 'No uses como contraseña tu nombre, tu dirección ni el nombre de este sitio.',
  'reason.password.common': 'Esta contraseña es de las primeras que prueban los atacantes. Elige otra.',
  'reason.password.damaged': 'La contraseña contiene caracteres dañados.',
  'reason.password.long': 'La contraseña es demasiado larga; el límite son 1024 bytes.',
  'reason.password.same': 'Esta es la contraseña que tiene. Elija otra.',
  'reason.password.repeat': 'Las dos contraseñas no son iguales.',
  'reason.session.refused': 'Este sitio no admite nuevos visitantes en este momento.',
  'reason.login.refused': 'En este momento no puedes iniciar sesión.',
  'reason.group.name':
    "El nombre de un grupo empieza por una letra o una cifra, solo lleva letras, cifras y . _ - ' y tiene 64 caracteres como máximo.",
  'reason.group.level': 'El nivel de un grupo es un número entero de {lowest} a {highest}.',

  'mail.hello': 'Hola, {username}:',
  'mail.contact': '¿Preguntas? Una persona responde en {contact}.',
  'mail.verify-email.subject': 'Confirma tu dirección para {siteName}',
  'mail.verify-email.text':
    'Alguien (desde la dirección {ip}) se registró en {siteName} con esta dirección de correo. Si fuiste tú, confírmala:',
  'mail.verify-email.button': 'Confirmar mi dirección',
  'mail.verify-email.after':
    'El enlace funciona una sola vez y durante {duration}; una cuenta que no se confirme antes se elimina.\nSi no fuiste tú, no tienes que hacer nada.',
  'mail.forgot-password.subject': 'Elige una contraseña nueva para {siteName}',
  'mail.forgot-password.text':
    'Alguien (desde la dirección {ip}) pidió una contraseña nueva para tu cuenta en {siteName}. Si fuiste tú, continúa aquí:',
  'mail.forgot-password.button': 'Elegir una contraseña nueva',
  'mail.forgot-password.after':
    'El enlace funciona una sola vez y durante {duration}.\nSi no fuiste tú, no hagas caso de este correo: tu contraseña sigue como está.',
  'mail.forgot-password.text.admin':
    'Los responsables de {siteName} han anulado la contraseña de tu cuenta y han cerrado tu sesión en todas partes. Elige aquí una nueva:',
  'mail.forgot-password.after.admin':
    'El enlace funciona una sola vez y durante {duration}.\nMás adelante puedes pedir otro con «¿Olvidaste tu contraseña?»: {loginUrl}',
  'mail.change-email.subject': 'Confirma tu dirección nueva para {siteName}',
  'mail.change-email.text':
    'Alguien (desde la dirección {ip}) pidió que esta sea la dirección de correo de la cuenta «{username}» en {siteName}. Si fuiste tú, confírmala:',
  'mail.change-email.button': 'Confirmar mi dirección nueva',
  'mail.change-email.after':
    'El enlace funciona una sola vez y durante {duration}; hasta entonces la cuenta conserva su dirección actual.\nSi no fuiste tú, no abras el enlace: sin él no cambia nada.',
  'mail.login-code.subject': 'Tu código para {siteName}',
  'mail.login-code.text':
    'Alguien (desde la dirección {ip}) quiere iniciar sesión en tu cuenta de {siteName}. Si eres tú, escribe este código:',
  'mail.login-code.after':
    'Funciona una sola vez y durante {duration}. No se lo digas a nadie: los responsables del sitio nunca lo piden.\nSi no eres tú, no hagas caso de este correo: sin el código nadie entra.',
  'mail.password-off.subject': 'La contraseña de tu cuenta en {siteName} está desactivada',
  'mail.password-off.text':
    'Alguien ha probado tantas contraseñas incorrectas en tu cuenta de {siteName} que ya no acepta ninguna. Los dispositivos con la sesión iniciada la conservan. Actívala de nuevo aquí, y elige otra si la anterior era fácil de adivinar:',
  'mail.password-off.button': 'Activar de nuevo mi contraseña',
  'mail.password-off.after':
    'El enlace funciona una sola vez y durante {duration}. Más adelante puedes pedir otro con «¿Olvidaste tu contraseña?».',
  'mail.already-registered.subject': 'Ya tienes una cuenta en {siteName}',
  'mail.already-registered.text':
    'Alguien (desde la dirección {ip}) intentó registrarse en {siteName} con esta dirección de correo. Pertenece a tu cuenta «{username}», así que no se puede confirmar otra cuenta con ella.\nSi fuiste tú, inicia sesión o pide allí una contraseña nueva: {loginUrl}',
  'mail.already-registered.after': 'Si no fuiste tú, no tienes que hacer nada.',
  'mail.email-in-use.subject': 'Tu dirección ya se usa en {siteName}',
  'mail.email-in-use.text':
    'Alguien (desde la dirección {ip}) pidió que esta sea la dirección de correo de otra cuenta en {siteName}. Pertenece a tu cuenta «{username}», así que ninguna otra cuenta puede tenerla.\nSi fuiste tú, cambia antes la dirección de esta cuenta o elimina esta cuenta.',
  'mail.email-in-use.after': 'Si no fuiste tú, no tienes que hacer nada.',
  'mail.email-changed.subject': 'Tu dirección de correo para {siteName} ha cambiado',
  'mail.email-changed.text':
    'La cuenta «{username}» de {siteName} tiene ahora otra dirección de correo (cambiada desde la dirección {ip}). Aquí ya no llegarán más correos sobre ella.',
  'mail.email-changed.undo': 'Si no fuiste tú, recupera la cuenta:',
  'mail.email-changed.button': 'Deshacer el cambio',
  'mail.email-changed.after':
    'El enlace funciona una sola vez y durante {duration}. Restablece esta dirección, cierra la sesión en todos los dispositivos y te deja elegir una contraseña nueva.\nSi fuiste tú, no tienes que hacer nada.',
  'mail.email-changed.after.unlinked':
    'Ya no se puede deshacer: la cuenta se ha eliminado desde entonces. Si no fuiste tú, escribe a los responsables del sitio.',
  'mail.password-changed.subject': 'Tu contraseña para {siteName} ha cambiado',
  'mail.password-changed.text':
    'La contraseña de tu cuenta en {siteName} se ha cambiado (desde la dirección {ip}). Se ha cerrado la sesión en todos los demás dispositivos.',
  'mail.password-changed.after': 'Si no fuiste tú, pide enseguida una contraseña nueva con «¿Olvidaste tu contraseña?»: {loginUrl}',
  'mail.account-deleted.subject': 'Tu cuenta en {siteName} se ha eliminado',
  'mail.account-deleted.text': 'Tu cuenta en {siteName} se ha eliminado, como pediste. Este es el último correo sobre ella.'
}

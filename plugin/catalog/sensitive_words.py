"""Words that columns about a person, or with a secret, are named with, in the languages that warehouses are named in.

Data only; `classify` reads it. Words of one name stand with spaces between; they are found joined, too. A mark in front
says where a word tells: `~` only as what the name ends with (`slack_token`, not `token_symbol`), `+` only right beside
a person (`customer_name`, not `product_name`). Accents are left out: names are folded before they are looked up.
"""

# ruff: noqa: E501 - a line is one kind of thing: broken up they cannot be read beside each other

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    kind: str
    confidence: float
    also: str
    """Types besides text that hold such a thing: `number`, `time`."""
    words: str


SENSITIVE = (
    # --- secrets ----------------------------------------------------------------------------------------------
    Words("secret", 0.97, "", "password, passwd, passphrase, secret key, private key, client secret, webhook secret"),
    Words("secret", 0.95, "", "passcode, api key, access key, access token, refresh token, auth token, bearer token, id token, oauth token, encryption key, signing key, hmac key, master key, rsa key, ssh key, pgp key, aes key, token secret, password hash, shared secret, key secret, consumer secret, access key id"),
    Words("secret", 0.9, "", "pwd, user pass, db pass, ftp pass, smtp pass, login pass, mot passe, bearer, security question answer, recovery phrase, pass hash, session token, csrf token, reset token, recovery code, backup code, security answer, secret answer, answer to security question, jwt, ~secret, connection string, conn str, ~license key, ~product key, private pem, keystore, ~session cookie, session id cookie"),
    Words("secret", 0.9, "number", "pin code, pin number, pin hash, cvv, cvc, cvn, card security code, ~credit card, ~debit card, credit card number, credit card no, credit card num, debit card number, debit card no, card number, card no, card num, card nr, card pan, cc number, cc num, cc no, ccn, card expiry, card expiration, cc exp"),
    Words("secret", 0.7, "number", "~pin, otp, totp, otp code, ~verification code, ~activation code, ~access code, ~unlock code, ~auth code, credentials, ~credential"),
    Words("secret", 0.6, "", "~token, token hash, csrf, ~salt, password salt, ~mfa code, ~seed phrase, mnemonic phrase"),
    Words("secret", 0.95, "", "passwort, kennwort, geheimnis, zugangsdaten, mot de passe, mdp, motdepasse, contrasena, contrasenia, clave acceso, clave secreta, senha, palavra passe, wachtwoord, haslo, sifre, parola, pasuwado, pasuwaado, anshou bangou, losenord, passord, adgangskode, salasana, parolla, heslo, jelszo"),
    # --- names ------------------------------------------------------------------------------------------------
    Words("personal", 0.95, "", "first name, last name, surname, given name, family name, maiden name, full name, middle name, forename, lname, fname, mname, lst name, nachname, vorname, geburtsname, nom complet, nom prenom, nom famille, nom de famille, nom naissance, nom de naissance, nom jeune fille, prenom, apellido, apellidos, primer apellido, nombre completo, nombre apellidos, nombre y apellidos, sobrenome, nome completo, cognome, voornaam, achternaam, tussenvoegsel, meisjesnaam, nazwisko, imie, imie nazwisko, soyad, soyadi, soyisim, ad soyad, adi soyadi, isim soyisim, shimei, sei mei, furigana, fornamn, efternamn, fornavn, etternavn, efternavn, etunimi, sukunimi, jmeno, prijmeni, keresztnev, vezeteknev"),
    Words("personal", 0.75, "", "+name, +names, +nm, +nombre, +nom, +nome, +naam, +nazwa, +adi, +isim, +naziv, contact name, contact person, emergency contact, middle initial, given names, name kana, name kanji, kanji name, kana name, mei kanji, mei kana, namae, ansprechpartner, contactpersoon, cardholder, card holder, account holder, kundenname, kundename, patientenname, mitarbeitername, klantnaam, kontoinhaber, benutzername, anwendername, gebruikersnaam"),
    Words("personal", 0.65, "", "username, user name, login name, +screen name, ~nickname, nick name, ~user handle, twitter handle, skype name, skype id, facebook id, facebook url, instagram handle, insta handle, social handle, linkedin url, linkedin profile, social media profile, whatsapp id, telegram id, utilisateur nom, usuario nombre, nom utilisateur, nombre usuario, nome usuario"),
    # --- where to reach them ----------------------------------------------------------------------------------
    Words("personal", 0.95, "", "email, email address, mail address, email addr, ~mail adr, courriel, adresse mail, correo electronico, direccion correo, emailadresse, mailadresse, endereco email, eposta, eposta adresi, meru adoresu, adres email, sahkoposti, epost, epostadress"),
    Words("personal", 0.6, "", "email id, ~mail, ~correo, ~login, ~fax, fax number, fax no, faxnummer"),
    Words("personal", 0.9, "number", "phone, phone number, telephone, tel no, tel nr, tel num, tel number, mobile number, mobile no, mobile phone, cell phone, cell number, cell no, msisdn, caller number, caller id, calling number, called number, called party, calling party, whatsapp no, telefon, telefon nr, telefonnummer, handy nr, handynummer, mobilnummer, mobiltelefon, rufnummer, telefono, telefono movil, numero movil, telefone, celular, no telephone, num telephone, numero telephone, numero de telephone, tel portable, tel mobile, telefoon, telefoonnummer, mobiel nummer, numer telefonu, nr telefonu, telefon kom, telefon no, cep telefonu, cep tel, denwa, denwa bangou, denwa no, keitai bangou, cellulare, telefonnr, puhelin"),
    Words("personal", 0.75, "number", "~mobile, ~mobil, ~movil, ~portable, +cell, ~tel, ~mobiel, contact no"),
    Words("personal", 0.85, "", "~street, street address, street name, street addr, address line, addr line, home address, address city, address street, address text, address district, addr city, address state, street number, street no, postal address, mailing address, shipping address, billing address, billing street, shipping street, delivery address, residence city, ~strasse, strassenname, wohnort, wohnsitz, anschrift, lieferanschrift, rechnungsanschrift, adresse postale, rue adresse, ~rue, calle no, direccion, domicilio, ~calle, endereco, ~logradouro, ~bairro, indirizzo, via residenza, straatnaam, ~straat, woonplaats, ~adres, adres zamieszkania, ~ulica, ~adresi, ~jusho, gatuadress, ~adress, lahiosoite"),
    Words("personal", 0.75, "", "~address, ~addr, ~adresse, ~addresse"),
    Words("personal", 0.7, "number", "zip code, zip, postcode, postal code, post code, ~plz, postleitzahl, apt no, apartment no, house no, hausnummer, hausnr, huisnummer, code postal, codigo postal, ~cep, cap residenza, kod pocztowy, posta kodu, yubin bangou, yuubin bangou, postnummer, postinumero"),
    # --- who they are -----------------------------------------------------------------------------------------
    Words("personal", 0.95, "number,time", "dob, date of birth, dates of birth, birth datetime, birth time, birth date, birth dt, birthday, birth day, year of birth, birth year, birth month, yob, geburtsdatum, geb dat, geb datum, date birth, geburtstag, geburtsjahr, date naissance, date de naissance, dt naissance, annee naissance, fecha nacimiento, fecha de nacimiento, fec nac, fecha nac, data nascimento, data de nascimento, dt nasc, dt nascimento, data nasc, data di nascita, data nascita, geboortedatum, geboortejaar, data urodzenia, dogum tarihi, dogum gunu, seinengappi, tanjoubi, tanjobi, fodelsedatum, fodselsdato, syntymaaika"),
    Words("personal", 0.9, "", "place of birth, places of birth, country of birth, state of birth, birth state, birth place, birth city, birth country, geburtsort, geburtsland, lieu naissance, ville naissance, ciudad nacimiento, cidade nascimento, lieu de naissance, lugar nacimiento, local nascimento, luogo nascita, luogo di nascita, geboorteplaats, miejsce urodzenia, dogum yeri"),
    Words("personal", 0.85, "number", "gender, gender source, sex name, ~sex, geschlecht, ~sexe, ~sexo, genero pessoa, ~sesso, geslacht, ~plec, cinsiyet, seibetsu, ~kon persona"),
    Words("personal", 0.95, "", "ethnicity, ethnicity source, ethnic group, ethnic origin, religion, religious, religionszugehorigkeit, religionszugehoerigkeit, sexual orientation, marital status, marital stat, civil status, familienstand, staatsangehorigkeit, staatsangehoerigkeit, staatsburgerschaft, konfession, situation familiale, etat civil, estado civil, stato civile, burgerlijke staat, stan cywilny, medeni hali, medeni durum, political affiliation, political opinion, union membership, trade union"),
    Words("personal", 0.85, "", "nationality, citizenship, nationalite, nacionalidad, nacionalidade, nazionalita, nationaliteit, obywatelstwo, uyruk, kokuseki, immigration status, visa status, disability status, +disability, veteran status, voter id, biometric, fingerprint template, fingerprint image, fingerprint data, face encoding, face embedding, face template, voice print, retina scan, iris scan, signature image, +signature, +photo, +picture, +portrait, passport photo"),
    Words("personal", 0.6, "", "~race, race source, race ethnicity, race code, race desc, rassen"),
    # --- numbers that name them -------------------------------------------------------------------------------
    Words("personal", 0.95, "number", "ssn, social security, social insurance no, nat ins no, ~sin, hicn, green card no, health card no, insurance card no, id card no, ~cedula, ~rg, no cpf, no identidad, documento identidad, carte identite, no passeport, no kimlik, kimlik numarasi, ausweisnummer, ausweis no, versichertennr, versicherten no, social sec no, sin number, national id, national identifier, national insurance, nino, nhs number, nhs no, passport, passport no, passport number, driver license, drivers license, driver licence, driving licence, driving license, license driver, licence no driver, dl number, aadhaar, aadhar, curp, cpf, cnh, rg numero, numero rg, ~dni, ~nif, ~nie, numero pasaporte, pesel, nr dowodu, dowod osobisty, dowodu osobistego, bsn, burgerservicenummer, tc kimlik, tckn, kimlik no, codice fiscale, personnummer, fodselsnummer, cpr nummer, cpr number, henkilotunnus, sozialversicherungsnummer, sv nummer, steuernummer, steuer id, steuerid, personalausweis, personalausweisnummer, reisepass, reisepassnr, reisepassnummer, fuhrerschein, fuhrerscheinnummer, numero securite sociale, num secu, num securite sociale, nir number, krankenversichertennummer, versichertennummer, mainanba, my number, kojin bangou"),
    Words("personal", 0.85, "number", "tax payer id, taxpayer id, tax number, tax identification, itin, mrn, medical record, medicare number, medicare id, medicaid id, medicare no, insurance member id, member insurance id, insurance policy holder, license plate, licence plate, number plate, plate number, registration plate, vehicle registration, kennzeichen kfz, kfz kennzeichen, immatriculation vehicule, kenteken, plaka no, subscriber identity, imsi, imei, iccid, idfa, gaid, idfv, advertising id, ad id device, maid device"),
    Words("personal", 0.6, "number", "tax id, ~npi, ~license number, ~licence number, license no"),
    Words("personal", 0.5, "number", "~tin, ~pan, pan number"),
    # --- money ------------------------------------------------------------------------------------------------
    Words("personal", 0.95, "", "iban"),
    Words("personal", 0.85, "number", "bank account, bank acct, bank acc no, acct no bank,  account number, acct number, acct no, acct num, account no, routing number, routing no, sort code, kontonummer, kontonr, konto nr, cuenta bancaria, numero cuenta, conta bancaria, numero conta, rekeningnummer, bankrekening, numer konta, nr konta, hesap no, kouza bangou, compte bancaire, numero compte"),
    Words("personal", 0.5, "", "~bic, ~swift code"),
    Words("personal", 0.9, "number", "salary, salaries, wage, wages, gehalt, jahresgehalt, bruttogehalt, lohn, salaire, sueldo, salario, stipendio, salaris, wynagrodzenie, ~maas, maasi, kyuuyo, rate of pay, pay rate, hourly pay, monthly pay, annual pay, annual income, household income, monthly income, net pay, gross pay, base pay, +bonus, +compensation, credit score, fico score, +income, +salary, bonus amount employee"),
    Words("personal", 0.7, "", "termination reason, performance rating, performance review, disciplinary action, ~kundigungsgrund"),
    # --- health -----------------------------------------------------------------------------------------------
    Words("personal", 0.85, "", "diagnosis, diagnoses, diagnosis code, dx code, diag code, icd code, icd diag, icd cm, ~icd, ~allergies, +allergy, ~medications, +medication, medication list, +prescription, prescribed drug, health condition, medical condition, medical history, hiv, hiv status, blood type, blood group, pregnancy status, genetic test, genetic data, genetic result, diagnose, diagnostico, krankheit, maladie, enfermedad, doenca, bloedgroep, blutgruppe, grupo sanguineo, groupe sanguin, treatment notes, clinical notes, mental health, chief complaint, +lab result, pregnant, +symptoms"),
    Words("personal", 0.85, "number", "+weight, +height, +bmi, +age"),
    # --- where they are, what they use -------------------------------------------------------------------------
    Words("personal", 0.8, "", "~ip, ip address, ip addr, ipv address, client ip, remote address, remote ip, source ip, x forwarded for, mac address, wifi mac, bluetooth mac, ~adresse ip, direccion ip, ip adresse"),
    Words("personal", 0.6, "number", "device id, ~device identifier, +latitude, +longitude, +lat, +lon, +lng, +long, +location, +geo location, gps latitude, gps longitude, gps lat, gps lon, home latitude, home longitude, home lat, home lon, home lng, home location"),
    Words("personal", 0.5, "", "~user agent, ~cookie, cookie id, +avatar, ~cookie value"),
)  # fmt: skip
PERSON = frozenset(
    "person customer cust client patient pat employee emp student pupil teacher member user contact driver passenger "
    "guest borrower beneficiary holder cardholder recipient sender callee spouse husband wife "
    "guardian child mother father doctor physician surgeon nurse owner author player applicant candidate subscriber "
    "insured policyholder payee payer buyer attendee donor reviewer salesperson supervisor manager respondent victim "
    "defendant plaintiff worker staff individual visitor shopper rider courier tutor instructor trainee "
    "resident citizen voter inmate people signatory witness executive officer lawyer approver "
    "requester assignee kunde kunden mitarbeiter patienten benutzer person schuler versicherter cliente clientes "
    "empleado paciente alumno usuario titular huesped funcionario aluno dipendente paziente utente employe salarie "
    "utilisateur eleve klant medewerker gebruiker werknemer leerling klient klienta pracownik pracownika uzytkownik "
    "pacjent musteri calisan kullanici ogrenci kokyaku shain kanja kund anstalld medarbejder asiakas".split()
)
"""Who stands beside a word that tells only so. `client` is a customer more often than a program."""
NOT_A_PERSON = frozenset(
    "store shop warehouse station branch company companies organisation organization org office hospital clinic "
    "facility building site plant factory airport hotel restaurant school university bank vendor supplier merchant "
    "publisher memory contract wallet block token pool machine engine error vehicle server host gateway router subnet "
    "dns node cluster smtp mailbox product item asset equipment schema column table page web website url http "
    "filiale lager firma unternehmen entreprise magasin societe empresa tienda almacen loja bedrijf winkel sklep "
    "sirket magaza kaisha".split()
)
"""Whose phone or address is nobody's: the same words are told with less confidence, and most no more."""
ABOUT = frozenset(
    "id ids count cnt num flag is has sent status type at valid verified enabled opt template subject domain kind "
    "category total avg sum rate days changed updated created expires expiry expired distinct required length policy "
    "attempts opened clicked bounced campaign size range rating space model plan version algorithm currency symbol "
    "country family provider method format level mode language lang price fee unit cost allowed blocked confirmed "
    "consent deleted age ratio pct percent percentage score index rank position order sort display label title icon "
    "decimals supply issued limit quota usage used min max mean median year month week anzahl aantal cantidad quantite "
    "quantidade liczba ilosc adet sayisi typ tipo soort rodzaj turu source medium channel bounce lighting view service "
    "contents report app os sessions session men women geom polygon centroid point frequency brand path split band strength".split()
)
"""Words that, behind a thing, turn a column into one about it that does not hold it: email_count, phone_type."""
COUNTED = frozenset(
    "is has num count cnt total avg sum min max mean median days failed distinct anzahl aantal cantidad quantite "
    "quantidade liczba ilosc adet tipo typ soort rodzaj at category categories level".split()
)
"""The same in front of it: is_email_verified, num_addresses."""
BESIDE = frozenset(
    "hash hashed enc encrypted masked raw clean cleaned new old current previous primary secondary home work private "
    "personal business privat prive domicile main alt alternate full text value val line code cd original orig normalized norm lower no nr "
    "nbr str string txt temp tmp from to".split()
)
"""Words that may stand behind the last one that counts: `password_hash`, `address_full`."""
PEOPLE_TOO = frozenset(
    "dim tbl t stg raw src v vw view master mst data info details detail profile profiles list table current history hist "
    "snapshot all active new old tmp backup stamm daten".split()
)
"""Words in the name of a table of people that do not make it one of something else: dim_customer_history."""
SHORT = {
    "number": "no", "num": "no", "nr": "no", "nbr": "no", "numero": "no", "numer": "no", "nummer": "no", "addr": "address",
    "adr": "address", "nm": "name", "dt": "date", "cd": "code", "acct": "account", "acc": "account", "tel": "telephone",
    "stat": "status", "desc": "description", "lic": "license",
}  # fmt: skip
"""Words that are written in several ways, and the one that they are looked up as besides."""
BETWEEN = frozenset("of de del du da do di des la le el van von der the s".split())
"""Words between a thing and its person: `photo_of_employee`."""
ANYWHERE = {
    "secret": "パスワード 暗証番号 密码 口令 비밀번호 كلمة_المرور",
    "personal": "氏名 名前 姓名 生年月日 住所 電話 携帯番号 メールアドレス 郵便番号 性別 国籍 手机 邮箱 地址 身份证 出生日期 电话 性别 이름 성명 "
    "전화번호 주소 이메일 생년월일 주민등록번호",
}  # fmt: skip
"""Of languages that join their words, or put others before them without a space: found anywhere in a name."""
INFLECTED = {
    "secret": "парол парольн секрет секретн",
    "personal": "фио фамилия фамилии имя_клиента имя_сотрудника отчество отчества телефон телефонн дата_рождения "
    "паспорт паспортн инн снилс почта почты адрес адресн",
}  # fmt: skip
"""Of languages with other letters that part their words: a whole word of a name, whose end may be another; the stem of
its adjective stands beside it (паспортные_данные)."""

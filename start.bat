@echo off
rem Serves Samovar: start.bat [options of "samovar serve"]. The first start installs what is missing into .venv.
setlocal
set "root=%~dp0"
set "python="
for %%v in (3.13 3.12 3.11 3.10) do (
    if not defined python py -%%v -c "" >nul 2>nul && set "python=py -%%v"
)
if not defined python (
    python -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))" >nul 2>nul && set "python=python"
)
if not defined python (
    echo Samovar needs Python 3.10 to 3.13, and there is none here. Get it from python.org or the Microsoft Store.
    exit /b 1
)
%python% "%root%scripts\prepare.py" %*
if errorlevel 1 exit /b 1
"%root%.venv\Scripts\samovar.exe" serve %*

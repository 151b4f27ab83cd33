[assembly: System.Runtime.Versioning.SupportedOSPlatform("browser")]

return; // nothing to do before the page's worker calls Tutor

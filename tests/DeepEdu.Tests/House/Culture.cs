using System.Globalization;
using System.Runtime.CompilerServices;

namespace DeepEdu.Tests.House;

/// <summary>Numbers are written and read as the tests expect whatever this machine is set to. The projects ask for that too (InvariantGlobalization), but an environment variable has its way against them.</summary>
internal static class Culture
{
    [ModuleInitializer]
    internal static void Begin() => CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
}

using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace DeepEdu.Tests.House;

/// <summary>The public surface of an assembly as text, one line a member, sorted: a change shows as a diff in review. What the compiler makes of a record (equality, copies, printing) and of a
/// block of extensions (their static methods are listed) follows from the lines that are there, and is left out.</summary>
internal static class PublicApi
{
    private static readonly NullabilityInfoContext s_nullability = new();

    public static string Describe(Assembly assembly)
    {
        List<string> lines = [];
        foreach (Type type in assembly.GetExportedTypes().Where(t => !t.FullName!.Contains('$', StringComparison.Ordinal)))
        {
            string kind = type.IsInterface ? "interface" : type.IsEnum ? "enum" : type.IsValueType ? (type.IsByRefLike ? "ref struct" : "struct") : typeof(Delegate).IsAssignableFrom(type) ? "delegate" : "class";
            string modifier = type is { IsAbstract: true, IsSealed: true } ? "static " : type is { IsAbstract: true, IsInterface: false } ? "abstract " : type is { IsSealed: true, IsValueType: false } ? "sealed " : "";
            IEnumerable<string> bases = type.GetInterfaces().Select(Name).Order(StringComparer.Ordinal);
            if (type.BaseType is { } b && b != typeof(object) && b != typeof(ValueType) && b != typeof(Enum)) { bases = bases.Prepend(Name(b)); }
            string list = string.Join(", ", bases);
            lines.Add($"{Name(type)}: {modifier}{kind}{(list.Length > 0 ? " : " + list : "")}");
            const BindingFlags Flags = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
            foreach (MemberInfo member in type.GetMembers(Flags))
            {
                if (Member(member) is { } text) { lines.Add($"{Name(type)}.{text}"); }
            }
        }
        lines.Sort(StringComparer.Ordinal);
        return string.Join('\n', lines) + "\n";
    }

    private static bool Visible(MethodBase? m) => m is { IsPublic: true } or { IsFamily: true } or { IsFamilyOrAssembly: true };

    private static string? Member(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false) ? null : member switch
    {
        ConstructorInfo c when Visible(c) => $"ctor({Parameters(c)})",
        MethodInfo m when Visible(m) && (!m.IsSpecialName || m.Name.StartsWith("op_", StringComparison.Ordinal)) =>
            $"{(m.IsStatic ? "static " : m.IsAbstract ? "abstract " : m.IsVirtual && !m.IsFinal ? "virtual " : "")}{m.Name}{Generic(m)}({Parameters(m)}) -> {Name(m.ReturnType)}{Null(s_nullability.Create(m.ReturnParameter))}",
        PropertyInfo p when Visible(p.GetMethod) || Visible(p.SetMethod) =>
            $"{p.Name} {{ {(Visible(p.GetMethod) ? "get; " : "")}{(Visible(p.SetMethod) ? "set; " : "")}}} -> {Name(p.PropertyType)}{Null(s_nullability.Create(p))}",
        FieldInfo { IsSpecialName: false } f when f.IsPublic || f.IsFamily =>
            $"{f.Name}{(f.IsLiteral ? " = " + Convert.ToString(f.GetRawConstantValue(), CultureInfo.InvariantCulture) : "")} -> {Name(f.FieldType)}",
        EventInfo e when Visible(e.AddMethod) => $"event {e.Name} -> {Name(e.EventHandlerType!)}",
        _ => null,
    };

    private static string Null(NullabilityInfo info) => info.ReadState == NullabilityState.Nullable && !info.Type.IsValueType ? "?" : "";

    private static string Generic(MethodInfo m) => m.IsGenericMethod ? $"<{string.Join(", ", m.GetGenericArguments().Select(Name))}>" : "";

    private static string Parameters(MethodBase m) => string.Join(", ", m.GetParameters().Select(p =>
        $"{(p.IsOut ? "out " : p.ParameterType.IsByRef ? "ref " : "")}{Name(p.ParameterType)}{Null(s_nullability.Create(p))} {p.Name}{(p.HasDefaultValue ? " = " + (Convert.ToString(p.RawDefaultValue, CultureInfo.InvariantCulture) is { Length: > 0 } v ? v : "default") : "")}"));

    private static string Name(Type t)
    {
        if (t.IsByRef) { return Name(t.GetElementType()!); }
        if (t.IsArray) { return Name(t.GetElementType()!) + "[]"; }
        if (t.IsGenericParameter) { return t.Name; }
        StringBuilder name = new(t.IsNested ? Name(t.DeclaringType!) + "." + t.Name : t.Namespace + "." + t.Name);
        if (!t.IsGenericType) { return name.ToString(); }
        string plain = name.ToString();
        return $"{(plain.IndexOf('`', StringComparison.Ordinal) is > 0 and int at ? plain[..at] : plain)}<{string.Join(", ", t.GetGenericArguments().Select(Name))}>";
    }
}
